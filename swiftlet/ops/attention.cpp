#include "swiftlet/ops/attention.h"

#include <algorithm>
#include <cmath>

#include "swiftlet/ops/common.h"

namespace swiftlet::ops {
namespace {

using kernels::RelativeBias;

constexpr std::size_t kExtras =
    3;  // sink logits, ALiBi slopes, relative bias: in this order behind the main inputs

void check_spec(const AttentionSpec& spec) {
  require(spec.heads > 0 && spec.kv_heads > 0 && spec.heads % spec.kv_heads == 0, "infer",
          "{} query heads do not divide into {} key/value heads", spec.heads, spec.kv_heads);
  require(spec.head_dim > 0 && spec.value_dim > 0, "infer", "head sizes must be positive, are {} and {}",
          spec.head_dim, spec.value_dim);
  require(std::isfinite(spec.scale) && spec.window >= 0 && spec.soft_cap >= 0, "infer",
          "scale {}, window {} or soft cap {} is out of range", spec.scale, spec.window, spec.soft_cap);
}

void check_extras(const NodeView& node, const AttentionSpec& spec, std::size_t first) {
  const Dim heads = spec.heads;
  require(node.inputs() == first + kExtras, "infer", "expected {} inputs, got {}", first + kExtras,
          node.inputs());
  require(node.has(first) == spec.sinks && node.has(first + 1) == spec.alibi &&
              node.has(first + 2) == (spec.relative_bias != RelativeBias::kNone),
          "infer", "the extra inputs are not those that the attention spec names");
  if (spec.sinks) require_vector(node, first, heads, "sink logits");
  if (spec.alibi) require_vector(node, first + 1, heads, "ALiBi slopes");
  if (node.has(first + 2)) {
    const Type& bias = require_f32(node, first + 2, 2);
    require(bias.shape.size() == 2 && bias.shape[0] == heads && last_dim(bias) % 2 == 1, "infer",
            "relative bias must be f32[{}, odd], is {}", spec.heads, bias.to_string());
  }
}

void check_width(const NodeView& node, std::size_t input, int heads, int width, std::string_view what) {
  const Type& type = require_f32(node, input, 2);
  require(type.shape.size() == 2 && last_dim(type) == std::int64_t{heads} * width, "infer",
          "{} must have {} x {} columns, is {}", what, heads, width, type.to_string());
}

// Keys and values are the inputs `first` and the one behind it.
void check_keys(const NodeView& node, const AttentionSpec& spec, std::size_t first) {
  check_width(node, first, spec.kv_heads, spec.head_dim, "k");
  check_width(node, first + 1, spec.kv_heads, spec.value_dim, "v");
  const Dim &keys = node.type(first).shape[0], &values = node.type(first + 1).shape[0];
  require(keys == values, "infer", "k has {} rows but v has {}", keys.to_string(), values.to_string());
}

std::vector<Inferred> infer_outputs(const Type& q, const AttentionSpec& spec) {
  std::vector<Inferred> outputs{
      Type{DType::kF32, {q.shape[0], Dim(std::int64_t{spec.heads} * spec.value_dim)}}};
  if (spec.log_sum_exp) outputs.emplace_back(Type{DType::kF32, {q.shape[0], Dim(spec.heads)}});
  return outputs;
}

std::vector<Inferred> infer_attention(const NodeView& node) {
  const AttentionSpec spec = attention_spec(node.node.attributes);
  check_spec(spec);
  check_width(node, 0, spec.heads, spec.head_dim, "q");
  check_keys(node, spec, 1);
  check_extras(node, spec, 3);
  return infer_outputs(node.type(0), spec);
}

std::vector<Inferred> infer_paged(const NodeView& node) {
  const AttentionSpec spec = attention_spec(node.node.attributes);
  check_spec(spec);
  check_width(node, 0, spec.heads, spec.head_dim, "q");
  node.type(1);  // the state
  check_extras(node, spec, 2);
  return infer_outputs(node.type(0), spec);
}

std::vector<Inferred> infer_append(const NodeView& node) {
  const AttentionSpec spec = attention_spec(node.node.attributes);
  check_spec(spec);
  check_keys(node, spec, 0);
  return {node.type(2)};
}

struct AttentionKernel {
  Place q, k, v, sink_logits, alibi_slopes, bias, y, log_sum_exp;
  kernels::AttentionArgs args;
  std::int32_t axis = 0, state = -1;

  static void run(const AttentionKernel& p, const ExecContext& context) noexcept {
    kernels::AttentionArgs args = p.args;
    args.q = p.q.f32(context);
    if (p.state >= 0) {
      const CacheLayer& layer = context.batch->cache[static_cast<std::size_t>(p.state)];
      args.kv.keys = layer.keys;
      args.kv.values = layer.values;
      args.kv.dtype = layer.dtype;
    } else {
      args.kv.keys = p.k.resolve(context);
      args.kv.values = p.v.resolve(context);
    }
    const RaggedAxis& axis = context.batch->axes[static_cast<std::size_t>(p.axis)];
    args.segments = axis.segments.data();
    args.segment_count = static_cast<int>(axis.segments.size());
    args.sink_logits = p.sink_logits.f32(context);
    args.alibi_slopes = p.alibi_slopes.f32(context);
    args.bias = p.bias.f32(context);
    args.y = p.y.f32_out(context);
    if (args.spec.log_sum_exp) args.log_sum_exp = p.log_sum_exp.f32_out(context);
    kernels::attention(*context.table, *context.pool, args, context.workspace);
  }
};

AttentionKernel common_kernel(LowerContext& context, std::size_t extras) {
  const NodeView node{context.graph(), context.node()};
  AttentionKernel kernel;
  kernel.args.spec = attention_spec(node.node.attributes);
  kernel.args.bf16 = context.rounds_activations();
  const AttentionSpec& spec = kernel.args.spec;
  kernel.q = context.input(0);
  kernel.y = context.output(0);
  if (spec.log_sum_exp) kernel.log_sum_exp = context.output(1);
  if (spec.sinks) kernel.sink_logits = context.input(extras);
  if (spec.alibi) kernel.alibi_slopes = context.input(extras + 1);
  if (node.has(extras + 2)) {
    kernel.bias = context.input(extras + 2);
    kernel.args.bias_extent = (last_dim(node.type(extras + 2)) + 1) / 2;
  }
  kernel.args.ldq = std::int64_t{spec.heads} * spec.head_dim;
  kernel.args.ldy = std::int64_t{spec.heads} * spec.value_dim;
  kernel.axis = context.ragged_axis(node.type(0).shape[0]);
  return kernel;
}

Kernel lower_attention(LowerContext& context) {
  const NodeView node{context.graph(), context.node()};
  AttentionKernel kernel = common_kernel(context, 3);
  // The segments of the query axis carry their key ranges; a separate key axis (cross-attention) is bound by
  // the engine into the same table.
  kernel.k = context.input(1);
  kernel.v = context.input(2);
  kernel.args.kv.ldk = last_dim(node.type(1));
  kernel.args.kv.ldv = last_dim(node.type(2));
  return make_kernel(kernel, kernels::attention_workspace(kernel.args.spec, context.threads()));
}

Kernel lower_paged(LowerContext& context) {
  AttentionKernel kernel = common_kernel(context, 2);
  kernel.state = context.state(1);
  kernel.args.kv.paged = true;
  return make_kernel(kernel, kernels::attention_workspace(kernel.args.spec, context.threads()));
}

struct AppendKernel {
  Place k, v;
  Extent rows;
  kernels::CacheAppendArgs args;
  std::int32_t state = 0;

  static void run(const AppendKernel& p, const ExecContext& context) noexcept {
    const CacheLayer& layer = context.batch->cache[static_cast<std::size_t>(p.state)];
    kernels::CacheAppendArgs args = p.args;
    args.k = p.k.f32(context);
    args.v = p.v.f32(context);
    args.rows = p.rows(context);
    args.slots = context.batch->cache_slots.data();
    args.dtype = layer.dtype;
    args.key_cache = layer.keys;
    args.value_cache = layer.values;
    kernels::cache_append(*context.pool, args);
  }
};

Kernel lower_append(LowerContext& context) {
  const NodeView node{context.graph(), context.node()};
  const AttentionSpec spec = attention_spec(node.node.attributes);
  AppendKernel kernel{.k = context.input(0),
                      .v = context.input(1),
                      .rows = context.extent(row_count(node.type(0))),
                      .state = context.state(2)};
  kernel.args.kv_heads = spec.kv_heads;
  kernel.args.head_dim = spec.head_dim;
  kernel.args.value_dim = spec.value_dim;
  kernel.args.ldk = last_dim(node.type(0));
  kernel.args.ldv = last_dim(node.type(1));
  return make_kernel(kernel);
}

// Pairs of a query row and a key that it sees, and keys that anybody sees.
struct KeyCounts {
  double pairs = 0, keys = 0;
};

KeyCounts count_keys(const AttentionSpec& spec, double queries, double keys) {
  // Query i of the segment stands at key position keys - queries + i.
  if (!spec.causal) return {queries * keys, keys};
  KeyCounts counts{queries * (keys - queries) + queries * (queries + 1) / 2, keys};
  if (spec.window > 0) {
    counts.pairs = std::min(counts.pairs, queries * spec.window);
    counts.keys = std::min(counts.keys, queries + spec.window - 1);
  }
  return counts;
}

// 2 (D + Dv) operations for each query head and key that it sees. Queries,
// keys, values and results pass through memory once.
Cost attention_cost(const NodeView& node, const CostContext& step) {
  const AttentionSpec spec = attention_spec(node.node.attributes);
  const double tokens = static_cast<double>(node.type(0).shape[0].evaluate(step.value_of));
  KeyCounts counts;
  const double width = spec.head_dim + spec.value_dim;
  double key_bytes = 4 * width;  // of a key and its value, for one head
  if (step.batch != nullptr && !step.batch->axes.empty()) {
    for (const kernels::Segment& segment : step.batch->axes[0].segments) {
      const KeyCounts own = count_keys(spec, segment.query_end - segment.query_begin, segment.keys);
      counts.pairs += own.pairs;
      counts.keys += own.keys;
    }
    if (node.node.op == &kAttentionPaged && !step.batch->cache.empty())
      key_bytes = kernels::cache_token_bytes(step.batch->cache[0].dtype, spec.head_dim, spec.value_dim);
  } else {
    counts = count_keys(spec, tokens, tokens);
  }
  return {.flops = 2 * counts.pairs * spec.heads * width,
          .bytes = 4 * tokens * spec.heads * width + key_bytes * counts.keys * spec.kv_heads};
}

Cost append_cost(const NodeView& node, const CostContext& step) {
  const double elements =
      element_count(node.type(0), step.value_of) + element_count(node.type(1), step.value_of);
  const AttentionSpec spec = attention_spec(node.node.attributes);
  const double tokens = static_cast<double>(node.type(0).shape[0].evaluate(step.value_of));
  const bool known = step.batch != nullptr && !step.batch->cache.empty();
  const DType dtype = known ? step.batch->cache[0].dtype : DType::kF32;
  const double written = kernels::cache_token_bytes(dtype, spec.head_dim, spec.value_dim);
  return {.flops = 0, .bytes = 4 * elements + tokens * spec.kv_heads * written};
}

}  // namespace

Attributes to_attributes(const AttentionSpec& spec) {
  return {{"heads", std::int64_t{spec.heads}},
          {"kv_heads", std::int64_t{spec.kv_heads}},
          {"head_dim", std::int64_t{spec.head_dim}},
          {"value_dim", std::int64_t{spec.value_dim}},
          {"scale", double{spec.scale}},
          {"causal", spec.causal},
          {"window", std::int64_t{spec.window}},
          {"soft_cap", double{spec.soft_cap}},
          {"sinks", spec.sinks},
          {"alibi", spec.alibi},
          {"relative_bias", static_cast<std::int64_t>(spec.relative_bias)},
          {"log_sum_exp", spec.log_sum_exp}};
}

AttentionSpec attention_spec(const Attributes& attributes) {
  const auto integer = [&](std::string_view name) {
    return static_cast<int>(attributes.get<std::int64_t>(name));
  };
  return {.heads = integer("heads"),
          .kv_heads = integer("kv_heads"),
          .head_dim = integer("head_dim"),
          .value_dim = integer("value_dim"),
          .scale = static_cast<float>(attributes.get<double>("scale")),
          .causal = attributes.get<bool>("causal"),
          .window = integer("window"),
          .soft_cap = static_cast<float>(attributes.get<double>("soft_cap")),
          .sinks = attributes.get<bool>("sinks"),
          .alibi = attributes.get<bool>("alibi"),
          .relative_bias = static_cast<RelativeBias>(integer("relative_bias")),
          .log_sum_exp = attributes.get<bool>("log_sum_exp")};
}

const OpSchema kAttention{
    .name = "attention", .infer = infer_attention, .lower_cpu = lower_attention, .cost = attention_cost};
const OpSchema kAttentionPaged{
    .name = "attention_paged", .infer = infer_paged, .lower_cpu = lower_paged, .cost = attention_cost};
const OpSchema kCacheAppend{.name = "cache_append",
                            .infer = infer_append,
                            .lower_cpu = lower_append,
                            .cost = append_cost,
                            .has_effect = true};

Value attention(Value q, Value k, Value v, const AttentionSpec& spec, const AttentionExtras& extras) {
  return q.graph->add(kAttention, {q, k, v, extras.sink_logits, extras.alibi_slopes, extras.relative_bias},
                      to_attributes(spec))[0];
}

}  // namespace swiftlet::ops
