#include "swiftlet/models/transformer.h"

#include <cmath>

#include "swiftlet/core/error.h"
#include "swiftlet/ops/columns.h"
#include "swiftlet/ops/elementwise.h"
#include "swiftlet/ops/linear.h"
#include "swiftlet/ops/norm.h"
#include "swiftlet/ops/stack.h"

namespace swiftlet::models {
namespace {

using namespace ops;

Value norm_if(Value x, std::string_view name, const NormSpec& norm, const Scope& w) {
  return name.empty() ? x : normalize(x, norm, w[name]);
}

Value scale_if(Value x, double factor) {
  return factor == 1 ? x : scale(x, factor);
}

struct Projections {
  Value q, k, v;
};

Projections split_fused(Value fused, const AttentionLayerSpec& a) {
  const std::int64_t d = a.spec.head_dim, e = a.spec.value_dim, g = a.spec.kv_heads;
  if (a.order == QkvOrder::kStacked) {
    const std::int64_t q = a.spec.heads * d, k = g * d;
    return {columns(fused, 0, q), columns(fused, q, k), columns(fused, q + k, g * e)};
  }
  const std::int64_t q = a.spec.heads / g * d;
  return {columns(fused, 0, q, g), columns(fused, q, d, g), columns(fused, q + d, e, g)};
}

Projections project(Value x, const AttentionLayerSpec& a, const Scope& w) {
  const std::int64_t q = std::int64_t{a.spec.heads} * a.spec.head_dim,
                     k = std::int64_t{a.spec.kv_heads} * a.spec.head_dim,
                     v = std::int64_t{a.spec.kv_heads} * a.spec.value_dim;
  if (!a.fused.empty()) return split_fused(linear(x, w[a.fused], q + k + v, a.bias), a);
  return {linear(x, w[a.query], q, a.bias), linear(x, w[a.key], k, a.bias), linear(x, w[a.value], v, a.bias)};
}

Value head_gain(const AttentionLayerSpec& a, std::int64_t heads, const Scope& w) {
  const std::int64_t d = a.spec.head_dim;
  if (a.qk_norm == QkNorm::kHead) return w.weight("weight", Shape{d});
  if (w.has("weight")) return w.weight("weight", Shape{heads, d});
  std::vector<Value> gains;
  for (int i = 0; i < heads; ++i) gains.push_back(w["norms"][i].weight("weight", Shape{d}));
  return stack(gains);
}

Value norm_heads(Value x, const AttentionLayerSpec& a, std::int64_t heads, const Scope& w) {
  const NormSpec& norm = a.qk_norm_spec;
  if (a.qk_norm == QkNorm::kWidth) return normalize(x, norm, w);
  const OpSchema& op = norm.kind == NormKind::kLayer ? kLayerNorm : kRmsNorm;
  const Value gain = head_gain(a, heads, w);
  const Value bias = norm.bias ? w.weight("bias", Shape{a.spec.head_dim}) : Value{};
  const double offset = norm.kind == NormKind::kRmsFromOne ? 1 : 0;
  return w.name(normalize_heads(x, op, gain, heads, norm.eps, offset, bias));
}

Value attend_disentangled(const Projections& content, const LayerInputs& inputs, const AttentionLayerSpec& a,
                          const Scope& w) {
  const std::int64_t width = width_of(content.q);
  const auto of_positions = [&](bool wanted, std::string_view own, std::string_view shared) {
    return wanted ? linear(inputs.relative_positions, w[own.empty() ? shared : own], width, a.bias) : Value{};
  };
  const Value keys = of_positions(a.content_to_position, a.position_key, a.key);
  const Value queries = of_positions(a.position_to_content, a.position_query, a.query);
  return disentangled_attention(content.q, content.k, content.v, keys, queries, *a.disentangled);
}

Value attend(Value x, const LayerInputs& inputs, const AttentionLayerSpec& a, const Scope& w) {
  auto [q, k, v] = project(x, a, w);
  if (a.disentangled)
    return linear(attend_disentangled({q, k, v}, inputs, a, w), w[a.output], width_of(x), a.output_bias);
  if (a.qk_norm != QkNorm::kNone) {
    q = norm_heads(q, a, a.spec.heads, w[a.query_norm]);
    k = norm_heads(k, a, a.spec.kv_heads, w[a.key_norm]);
  }
  if (a.clip > 0)
    for (Value* const value : {&q, &k, &v}) *value = clip(*value, a.clip);
  if (a.rope) {
    q = rope(q, inputs.positions, *a.rope);
    k = rope(k, inputs.positions, *a.rope);
  }
  AttentionExtras extras{.relative_bias = inputs.relative_bias};
  if (a.spec.alibi) extras.alibi_slopes = x.graph->add_constant(Tensor::from(a.alibi_slopes, {a.spec.heads}));
  if (a.spec.sinks) extras.sink_logits = w.weight(a.sinks, Shape{a.spec.heads});
  const Value y = attention(q, k, v, a.spec, extras);
  return linear(y, w[a.output], width_of(x), a.output_bias);
}

Value feed_forward(Value x, const FeedForwardSpec& m, const Scope& w) {
  Value gate, up;
  if (!m.fused.empty()) {
    const Value both = linear(x, w[m.fused], 2 * m.width, m.bias);
    gate = columns(both, m.fused_up_first ? m.width : 0, m.width);
    up = columns(both, m.fused_up_first ? 0 : m.width, m.width);
  } else {
    if (!m.gate.empty()) gate = linear(x, w[m.gate], m.width, m.bias);
    up = linear(x, w[m.up], m.width, m.bias);
  }
  const Value h = gate ? mul(activation(gate, m.activation), up) : activation(up, m.activation);
  return linear(h, w[m.down], width_of(x), m.down_bias);
}

ExpertValues expert(const MixtureSpec& m, std::int64_t hidden, std::int64_t width, const Scope& w) {
  const Shape in{width, hidden}, out{hidden, width};
  ExpertValues one{.gate = w[m.gate].weight("weight", in),
                   .up = w[m.up].weight("weight", in),
                   .down = w[m.down].weight("weight", out)};
  if (!m.bias) return one;
  one.gate_bias = w[m.gate].weight("bias", Shape{width});
  one.up_bias = w[m.up].weight("bias", Shape{width});
  one.down_bias = w[m.down].weight("bias", Shape{hidden});
  return one;
}

Value mixture(Value x, const MixtureSpec& m, const Scope& w) {
  const std::int64_t hidden = width_of(x);
  const Scope router = w[m.router];
  const Value gates =
      router.name(route(x, router.weight("weight", Shape{m.experts, hidden}),
                        m.router_bias ? router.weight("bias", Shape{m.experts}) : Value{}, m.routing));
  std::vector<ExpertValues> list;
  for (int i = 0; i < m.experts; ++i) list.push_back(expert(m, hidden, m.width, w[m.list][i]));
  const Value y = w[m.list].name(experts(x, gates, list, m.routing.chosen, m.activation));
  if (m.shared_width == 0) return y;
  const Value open = activation(linear(x, w[m.shared_gate], 1, false), "sigmoid");
  const Scope shared = w[m.shared];
  return add(y, shared.name(experts(x, open, {expert(m, hidden, m.shared_width, shared)}, 1, m.activation)));
}

Value network(Value x, const LayerSpec& layer, const Scope& w) {
  return layer.mixture ? mixture(x, *layer.mixture, w) : feed_forward(x, layer.mlp, w);
}

}  // namespace

std::int64_t width_of(Value x) {
  return x.type().shape.back().constant();
}

Value normalize(Value x, const NormSpec& norm, const Scope& w) {
  const Shape width{width_of(x)};
  const auto ones = [&] { return std::vector<float>(static_cast<std::size_t>(width_of(x)), 1.0f); };
  const Value gain =
      norm.gain ? w.weight("weight", width) : x.graph->add_constant(Tensor::from(ones(), width));
  if (norm.kind == NormKind::kLayer)
    return w.name(layer_norm(x, gain, norm.bias ? w.weight("bias", width) : Value{}, norm.eps));
  return w.name(rms_norm(x, gain, norm.eps, norm.kind == NormKind::kRmsFromOne ? 1 : 0));
}

Value transformer_layer(Value x, const LayerInputs& inputs, const LayerSpec& layer, const Scope& w) {
  const auto norm = [&](Value value, std::string_view name) { return norm_if(value, name, layer.norm, w); };
  Value h = norm(x, layer.before_attention);
  const Value a =
      scale_if(norm(attend(h, inputs, layer.attention, w), layer.after_attention), layer.residual_scale);
  if (layer.parallel) {
    h = layer.before_mlp.empty() ? h : norm(x, layer.before_mlp);
    return add(add(x, a), scale_if(network(h, layer, w), layer.residual_scale));
  }
  x = norm(add(layer.residual_after_norm ? h : x, a), layer.attention_sum);
  h = norm(x, layer.before_mlp);
  const Value m = scale_if(norm(network(h, layer, w), layer.after_mlp), layer.residual_scale);
  return norm(add(layer.residual_after_norm ? h : x, m), layer.mlp_sum);
}

ops::AttentionSpec attention_of(const Config& config, std::int64_t heads, std::int64_t kv_heads,
                                std::int64_t head_dim, bool causal) {
  require(heads % kv_heads == 0, config.where() + ": num_key_value_heads", "{} does not divide {} heads",
          kv_heads, heads);
  return {.heads = static_cast<int>(heads),
          .kv_heads = static_cast<int>(kv_heads),
          .head_dim = static_cast<int>(head_dim),
          .value_dim = static_cast<int>(head_dim),
          .scale = 1.0f / std::sqrt(static_cast<float>(head_dim)),
          .causal = causal};
}

void require_only(const Config& config, std::string_view key, bool only) {
  if (config.bool_or(key, only) != only)
    fail(ErrorCode::kUnsupported, fmt::format("{}: {}", config.where(), key), "{} is not available, only {}",
         !only, only);
}

void require_only(const Config& config, std::string_view key, std::string_view only) {
  if (const std::string value = config.string_or(key, only); value != only)
    fail(ErrorCode::kUnsupported, fmt::format("{}: {}", config.where(), key),
         "'{}' is not available, only {}", value, only);
}

}  // namespace swiftlet::models
