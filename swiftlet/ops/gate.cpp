#include "swiftlet/ops/gate.h"

#include <algorithm>

#include "swiftlet/ops/common.h"
#include "swiftlet/ops/elementwise.h"

namespace swiftlet::ops {
namespace {

constexpr std::int64_t kGrain = 4096;  // elements worth a thread's while

std::vector<Inferred> infer_gate(const NodeView& node) {
  const Type& gate = require_f32(node, 0);
  require(node.type(1) == gate, "infer", "the gate is {} but what it gates is {}", gate.to_string(),
          node.type(1).to_string());
  const auto& name = node.attribute<std::string>("activation");
  require(activation_from_name(name) != kernels::Activation::kNone, "infer", "a gate needs an activation");
  return {gate};
}

struct GateKernel {
  Place gate, up, y;
  Extent rows;
  std::int64_t width = 0;
  kernels::Activation activation = kernels::Activation::kNone;

  static void run(const GateKernel& p, const ExecContext& context) noexcept {
    const float *gate = p.gate.f32(context), *up = p.up.f32(context);
    float* y = p.y.f32_out(context);
    const std::int64_t grain = std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(1, p.width));
    context.pool->parallel_for(p.rows(context), grain, [&](std::int64_t begin, std::int64_t end) {
      const std::int64_t at = begin * p.width;
      context.table->rows.gate(p.activation, gate + at, p.width, up + at, p.width, y + at, p.width,
                               end - begin, p.width);
    });
  }
};

Kernel lower_gate(LowerContext& context) {
  const NodeView node{context.graph(), context.node()};
  return make_kernel(
      GateKernel{.gate = context.input(0),
                 .up = context.input(1),
                 .y = context.output(0),
                 .rows = context.extent(row_count(node.type(0))),
                 .width = last_dim(node.type(0)),
                 .activation = activation_from_name(node.attribute<std::string>("activation"))});
}

std::vector<Value> decompose_gate(Graph& graph, NodeId id) {
  const Node node = graph.node(id);
  const Value active = graph.insert(id, kActivation, {node.inputs[0]},
                                    {{"function", node.attributes.get<std::string>("activation")}})[0];
  return graph.insert(id, kMul, {active.id, node.inputs[1]});
}

Cost gate_cost(const NodeView& node, const CostContext& step) {
  return streaming_cost(node, step, 11);
}

}  // namespace

const OpSchema kGate{.name = "gate",
                     .infer = infer_gate,
                     .decompose = decompose_gate,
                     .lower_cpu = lower_gate,
                     .cost = gate_cost};

}  // namespace swiftlet::ops
