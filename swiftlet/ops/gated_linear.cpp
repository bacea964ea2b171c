#include "swiftlet/ops/gated_linear.h"

#include "swiftlet/ops/common.h"
#include "swiftlet/ops/elementwise.h"
#include "swiftlet/ops/gate.h"
#include "swiftlet/ops/linear.h"

namespace swiftlet::ops {
namespace {

constexpr std::size_t kGate = 1, kUp = 3;  // inputs: weights, each followed by its bias

std::vector<Inferred> infer_gated(const NodeView& node) {
  require(node.inputs() == 5, "infer",
          "takes x and two pairs of weight and bias (absent or not), got {} inputs", node.inputs());
  require(node.type(kGate).shape == node.type(kUp).shape, "infer",
          "the gate's weight is {} but the other is {}", node.type(kGate).to_string(),
          node.type(kUp).to_string());
  const auto& name = node.attribute<std::string>("activation");
  require(activation_from_name(name) != kernels::Activation::kNone, "infer", "a gate needs an activation");
  infer_linear_output(node, kUp);
  return {infer_linear_output(node, kGate)};
}

struct GatedLinear {
  struct Matrix {
    std::int32_t slot = 0;
    Place bias;

    kernels::LinearOutput output(const ExecContext& context) const {
      return {.weight = context.weights[static_cast<std::size_t>(slot)].panels, .bias = bias.f32(context)};
    }
  };
  Matrix gate, up;
  Place x, y;
  Extent rows;
  std::int64_t k = 0, n = 0;
  Arithmetic arithmetic = Arithmetic::kF32;
  kernels::Activation activation = kernels::Activation::kNone;

  static void run(const GatedLinear& p, const ExecContext& context) noexcept {
    const kernels::LinearOutput up = p.up.output(context);
    kernels::LinearOutput gate = p.gate.output(context);
    gate.activation = p.activation;
    gate.y = p.y.f32_out(context);
    gate.ldy = p.n;
    gate.factor = &up;
    kernels::linear(*context.table, *context.pool, p.arithmetic, p.x.f32(context), p.k, p.rows(context),
                    {&gate, 1}, context.workspace);
  }
};

GatedLinear::Matrix lower_matrix(LowerContext& context, std::size_t weight, Arithmetic& arithmetic,
                                 Encoding& encoding) {
  GatedLinear::Matrix matrix{.slot = context.matrix_slot(weight, arithmetic, encoding)};
  if (NodeView{context.graph(), context.node()}.has(weight + 1)) matrix.bias = context.input(weight + 1);
  return matrix;
}

Kernel lower_gated(LowerContext& context) {
  const NodeView node{context.graph(), context.node()};
  GatedLinear kernel{.x = context.input(0),
                     .y = context.output(0),
                     .rows = context.extent(row_count(node.type(0))),
                     .k = last_dim(node.type(0)),
                     .n = last_dim(context.graph().value(context.node().outputs[0]).type),
                     .activation = activation_from_name(node.attribute<std::string>("activation"))};
  Arithmetic arithmetic = Arithmetic::kF32;
  Encoding encoding, other;
  kernel.gate = lower_matrix(context, kGate, kernel.arithmetic, encoding);
  kernel.up = lower_matrix(context, kUp, arithmetic, other);
  require(arithmetic == kernel.arithmetic && encoding == other, "infer",
          "joins weights of different arithmetic or encoding");
  kernels::LinearOutput gate, up;
  gate.weight.encoding = up.weight.encoding = encoding;
  gate.weight.geometry = up.weight.geometry = panel_geometry(encoding, kernel.n, kernel.k);
  gate.factor = &up;
  return make_kernel(kernel, kernels::linear_workspace(context.table(), context.threads(), kernel.arithmetic,
                                                       {&gate, 1}, context.maximum(row_count(node.type(0)))));
}

std::vector<Value> decompose_gated(Graph& graph, NodeId id) {
  const Node node = graph.node(id);
  const auto product = [&](std::size_t weight) {
    return graph.insert(id, kLinear, {node.inputs[0], node.inputs[weight], node.inputs[weight + 1]}, {})[0];
  };
  const Value gate = product(kGate), up = product(kUp);
  return graph.insert(id, ops::kGate, {gate.id, up.id},
                      {{"activation", node.attributes.get<std::string>("activation")}});
}

Cost gated_cost(const NodeView& node, const CostContext& step) {
  const double rows = static_cast<double>(row_count(node.type(0)).evaluate(step.value_of));
  const double outputs = element_count(node.graph.value(node.node.outputs[0]).type, step.value_of);
  const double weight = element_count(node.type(kGate), step.value_of);
  return {.flops = 4 * rows * weight + 11 * outputs,
          .bytes = 4 * element_count(node.type(0), step.value_of) + 4 * outputs +
                   matrix_bytes(node, kGate, step) + matrix_bytes(node, kUp, step)};
}

}  // namespace

const OpSchema kGatedLinear{.name = "gated_linear",
                            .infer = infer_gated,
                            .decompose = decompose_gated,
                            .lower_cpu = lower_gated,
                            .cost = gated_cost};

}  // namespace swiftlet::ops
