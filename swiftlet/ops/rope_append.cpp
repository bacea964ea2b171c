#include "swiftlet/ops/rope_append.h"

#include "swiftlet/ops/attention.h"
#include "swiftlet/ops/common.h"
#include "swiftlet/ops/rope.h"

namespace swiftlet::ops {
namespace {

constexpr std::int64_t kSerialRows = 8;  // up to which waking the pool costs more than it brings

// The two nodes that the fused one stands for.
Node rope_of(const Node& node) {
  return {.op = &kRope,
          .name = node.name,
          .inputs = {node.inputs[0], node.inputs[2]},
          .attributes = node.attributes};
}
Node append_of(const Node& node, ValueId keys) {
  return {.op = &kCacheAppend,
          .name = node.name,
          .inputs = {keys, node.inputs[1], node.inputs[3]},
          .attributes = node.attributes};
}

std::vector<Inferred> infer_rope_append(const NodeView& node) {
  require(node.inputs() == 4, "infer", "takes k, v, positions and the state, got {} inputs", node.inputs());
  kRope.infer({node.graph, rope_of(node.node)});
  return kCacheAppend.infer({node.graph, append_of(node.node, node.node.inputs[0])});
}

struct RopeAppendKernel {
  Place k, v, positions;
  Extent rows;
  kernels::RopeArgs rope;
  RopeFrequencies turns;
  kernels::CacheAppendArgs append;
  std::int32_t state = 0;

  // A row for each member, on cache lines of its own.
  static std::int64_t scratch_floats(std::int64_t width) { return (width + 31) / 16 * 16; }

  void row(const ExecContext& context, std::int64_t row, const float* frequencies, float* scratch) const {
    kernels::RopeArgs turn = rope;
    turn.rows = 1;
    turn.positions = static_cast<const std::int32_t*>(positions.resolve(context)) + row;
    turn.inverse_frequencies = frequencies;
    turn.x = k.f32(context) + row * append.ldk;
    turn.y = scratch;
    turn.ldx = turn.ldy = append.ldk;
    context.table->rows.rope(turn);
    const CacheLayer& layer = context.batch->cache[static_cast<std::size_t>(state)];
    kernels::CacheAppendArgs store = append;
    store.k = scratch;
    store.v = v.f32(context) + row * append.ldv;
    store.rows = 1;
    store.slots = context.batch->cache_slots.data() + row;
    store.dtype = layer.dtype;
    store.key_cache = layer.keys;
    store.value_cache = layer.values;
    kernels::cache_append_rows(store);
  }

  static void run(const RopeAppendKernel& p, const ExecContext& context) noexcept {
    const std::int64_t rows = p.rows(context);
    const auto part = [&](std::int64_t member, std::int64_t members) {
      float* scratch = reinterpret_cast<float*>(context.workspace) + member * scratch_floats(p.append.ldk);
      p.turns.for_parts(context, rows * member / members, rows * (member + 1) / members,
                        [&](std::int64_t begin, std::int64_t end, const float* frequencies) {
                          for (std::int64_t row = begin; row < end; ++row)
                            p.row(context, row, frequencies, scratch);
                        });
    };
    if (rows <= kSerialRows)
      part(0, 1);
    else
      context.pool->run([&](int member) { part(member, context.pool->size()); });
  }
};

Kernel lower_rope_append(LowerContext& context) {
  const NodeView node{context.graph(), context.node()};
  const AttentionSpec spec = attention_spec(node.node.attributes);
  const std::int64_t width = last_dim(node.type(0));
  RopeAppendKernel kernel{.k = context.input(0),
                          .v = context.input(1),
                          .positions = context.input(2),
                          .rows = context.extent(row_count(node.type(0))),
                          .rope = rope_args(node.node.attributes, width),
                          .turns = RopeFrequencies::of(context, node.node.attributes, node.type(0).shape[0]),
                          .state = context.state(3)};
  kernel.append.kv_heads = spec.kv_heads;
  kernel.append.head_dim = spec.head_dim;
  kernel.append.value_dim = spec.value_dim;
  kernel.append.ldk = width;
  kernel.append.ldv = last_dim(node.type(1));
  const std::int64_t floats = context.threads() * RopeAppendKernel::scratch_floats(width);
  return make_kernel(std::move(kernel), static_cast<std::size_t>(floats) * sizeof(float));
}

std::vector<Value> decompose_rope_append(Graph& graph, NodeId id) {
  const Node node = graph.node(id);
  const Value turned = graph.insert(id, kRope, rope_of(node).inputs, node.attributes)[0];
  return graph.insert(id, kCacheAppend, append_of(node, turned.id).inputs, node.attributes);
}

// What both cost, but for the turned keys, which stay in the cache of a core.
Cost rope_append_cost(const NodeView& node, const CostContext& step) {
  Cost cost = kCacheAppend.cost({node.graph, append_of(node.node, node.node.inputs[0])}, step);
  cost.flops += 3 * element_count(node.type(0), step.value_of);
  return cost;
}

}  // namespace

const OpSchema kRopeAppend{.name = "rope_append",
                           .infer = infer_rope_append,
                           .decompose = decompose_rope_append,
                           .lower_cpu = lower_rope_append,
                           .cost = rope_append_cost,
                           .has_effect = true};

}  // namespace swiftlet::ops
