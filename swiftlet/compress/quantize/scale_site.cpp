#include "swiftlet/compress/quantize/scale_site.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "swiftlet/encoding/float_format.h"
#include "swiftlet/ops/attention.h"
#include "swiftlet/ops/elementwise.h"
#include "swiftlet/ops/linear.h"
#include "swiftlet/ops/norm.h"

namespace swiftlet {
namespace {

bool is_own_weight(const Graph& graph, ValueId id) {
  return id != kNoId && graph.value(id).kind == ValueKind::kWeight && graph.users(id).size() == 1;
}

std::string name_or_empty(const Graph& graph, const Node& node, std::size_t input) {
  const bool has = input < node.inputs.size() && node.inputs[input] != kNoId;
  return has ? graph.value(node.inputs[input]).name : "";
}

bool has_bias_of_others(const Graph& graph, const Node& node, std::size_t input) {
  return input < node.inputs.size() && node.inputs[input] != kNoId &&
         !is_own_weight(graph, node.inputs[input]);
}

// Reads nothing but `value`'s channels, times a matrix of its own.
bool is_scalable_reader(const Graph& graph, const Node& node, ValueId value) {
  return node.op == &ops::kLinear && node.inputs[0] == value && is_own_weight(graph, node.inputs[1]);
}

std::vector<std::int64_t> each_its_own(const Graph& graph, ValueId value) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(graph.value(value).type.shape.back().constant()));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

const Node* producer_of(const Graph& graph, ValueId value) {
  const NodeId id = graph.value(value).producer;
  return id == kNoId ? nullptr : &graph.node(id);
}

// The linear that gives `value` to one reader alone, and nothing between.
std::optional<ScaleSite> rows_of_linear(const Graph& graph, ValueId value) {
  const Node* const node = producer_of(graph, value);
  if (node == nullptr || node->op != &ops::kLinear || graph.users(value).size() != 1 ||
      graph.is_output(value) || !node->attributes.get_or<std::string>("activation", "").empty() ||
      !is_own_weight(graph, node->inputs[1]) || has_bias_of_others(graph, *node, 2))
    return std::nullopt;
  return ScaleSite{.carrier = graph.value(node->inputs[1]).name,
                   .bias = name_or_empty(graph, *node, 2),
                   .row = each_its_own(graph, value)};
}

std::optional<ScaleSite> gain_of_norm(const Graph& graph, const Node& node) {
  if (node.attributes.has("heads") || !is_own_weight(graph, node.inputs[1]) ||
      has_bias_of_others(graph, node, 2))
    return std::nullopt;
  return ScaleSite{.carrier = graph.value(node.inputs[1]).name,
                   .bias = name_or_empty(graph, node, 2),
                   .gain_offset = node.attributes.get_or<double>("gain_offset", 0),
                   .row = each_its_own(graph, node.outputs[0])};
}

// Heads of one group read the same values.
std::optional<ScaleSite> values_of_attention(const Graph& graph, const Node& node) {
  std::optional<ScaleSite> site = rows_of_linear(graph, node.inputs[2]);
  if (!site) return site;
  const ops::AttentionSpec spec = ops::attention_spec(node.attributes);
  const std::int64_t d = spec.value_dim, sharing = spec.heads / spec.kv_heads;
  site->row.resize(static_cast<std::size_t>(spec.heads * d));
  for (std::int64_t c = 0; c < spec.heads * d; ++c)
    site->row[static_cast<std::size_t>(c)] = c / d / sharing * d + c % d;
  return site;
}

// activation(gate) * up is linear in up.
std::optional<ScaleSite> factor_of_gate(const Graph& graph, const Node& node) {
  for (const ValueId factor : node.inputs) {
    if (graph.value(factor).type.shape != graph.value(node.outputs[0]).type.shape) return std::nullopt;
    if (auto site = rows_of_linear(graph, factor)) return site;
  }
  return std::nullopt;
}

Weight vector_of(const Weight& like, const std::vector<float>& values) {
  const auto size = static_cast<std::size_t>(float_bytes(like.encoding.format));
  Weight weight = like;
  weight.codes = Buffer::heap(values.size() * size);
  for (std::size_t i = 0; i < values.size(); ++i)
    store_float(like.encoding.format, values[i], weight.codes.mutable_data() + i * size);
  return weight;
}

void divide_vector(const std::string& name, const std::vector<float>& by, WeightStore& weights) {
  const Weight vector = weights.get(name);
  std::vector<float> values = decode(vector);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] /= by[i];
  weights.replace(vector_of(vector, values));
}

// The gain g + offset becomes what can be stored next to (g + offset) / by; by becomes the true quotient.
void divide_gain(const ScaleSite& site, std::vector<float>& by, WeightStore& weights) {
  const Weight gain = weights.get(site.carrier);
  const std::vector<float> before = decode(gain);
  const auto offset = static_cast<float>(site.gain_offset);
  std::vector<float> wanted = before;
  for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] = (before[i] + offset) / by[i] - offset;
  std::vector<float> after = decode(vector_of(gain, wanted));
  for (std::size_t i = 0; i < after.size(); ++i) {
    by[i] = (before[i] + offset) / (after[i] + offset);
    if (std::isfinite(by[i]) && by[i] > 0) continue;  // else nothing passes through, or too little to divide
    by[i] = 1;
    after[i] = before[i];
  }
  weights.replace(vector_of(gain, after));
}

Weight with_divided_rows(const Weight& weight, const std::vector<float>& by) {
  std::vector<float> values = decode(weight);
  const auto k = static_cast<std::size_t>(weight.shape[1]);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] /= by[i / k];
  return weight_from_tensor(weight.name, Tensor::from(values, weight.shape));
}

}  // namespace

std::optional<ScaleSite> find_scale_site(const Graph& graph, ValueId input) {
  const Node* const node = producer_of(graph, input);
  if (node == nullptr || graph.is_output(input)) return std::nullopt;
  for (const NodeId user : graph.users(input))
    if (!is_scalable_reader(graph, graph.node(user), input)) return std::nullopt;
  if (node->op == &ops::kLayerNorm || node->op == &ops::kRmsNorm) return gain_of_norm(graph, *node);
  if (node->op == &ops::kAttention) return values_of_attention(graph, *node);
  if (node->op == &ops::kMul) return factor_of_gate(graph, *node);
  if (node->op == &ops::kActivation && node->attributes.get<std::string>("function") == "relu")
    return rows_of_linear(graph, node->inputs[0]);
  return std::nullopt;
}

void divide_at_site(const ScaleSite& site, std::vector<float>& s, WeightStore& weights) {
  const Weight carrier = weights.get(site.carrier);
  std::vector<float> by(static_cast<std::size_t>(carrier.shape[0]), 1.0f);
  for (std::size_t c = 0; c < s.size(); ++c) by[static_cast<std::size_t>(site.row[c])] = s[c];
  if (carrier.shape.rank() == 1)
    divide_gain(site, by, weights);
  else
    weights.replace(with_divided_rows(carrier, by));
  for (std::size_t c = 0; c < s.size(); ++c) s[c] = by[static_cast<std::size_t>(site.row[c])];
  if (!site.bias.empty()) divide_vector(site.bias, by, weights);
}

Weight with_scaled_columns(const Weight& weight, const std::vector<float>& s) {
  std::vector<float> values = decode(weight);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= s[i % s.size()];
  return weight_from_tensor(weight.name, Tensor::from(values, weight.shape));
}

}  // namespace swiftlet
