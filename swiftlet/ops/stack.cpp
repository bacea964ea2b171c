#include "swiftlet/ops/stack.h"

#include <cstring>

#include "swiftlet/ops/common.h"

namespace swiftlet::ops {
namespace {

std::vector<Inferred> infer_stack(const NodeView& node) {
  require(node.inputs() > 0, "infer", "needs a vector");
  const std::int64_t width = last_dim(require_f32(node, 0));
  for (std::size_t i = 0; i < node.inputs(); ++i) require_vector(node, i, width, "each row");
  return {Type{DType::kF32, {static_cast<std::int64_t>(node.inputs()), width}}};
}

struct StackKernel {
  std::vector<Place> rows;
  Place y;
  std::int64_t width = 0;

  static void run(const StackKernel& p, const ExecContext& context) noexcept {
    float* y = p.y.f32_out(context);
    for (const Place& row : p.rows) {
      std::memcpy(y, row.f32(context), static_cast<std::size_t>(p.width) * sizeof(float));
      y += p.width;
    }
  }
};

Kernel lower_stack(LowerContext& context) {
  const NodeView node{context.graph(), context.node()};
  StackKernel kernel{.rows = {}, .y = context.output(0), .width = last_dim(node.type(0))};
  for (std::size_t i = 0; i < node.inputs(); ++i) kernel.rows.push_back(context.input(i));
  return make_kernel(std::move(kernel));
}

Cost stack_cost(const NodeView& node, const CostContext& step) {
  return {.flops = 0, .bytes = 8 * element_count(node.graph.value(node.node.outputs[0]).type, step.value_of)};
}

}  // namespace

const OpSchema kStack{.name = "stack", .infer = infer_stack, .lower_cpu = lower_stack, .cost = stack_cost};

Value stack(const std::vector<Value>& vectors) {
  return vectors.at(0).graph->add(kStack, vectors)[0];
}

}  // namespace swiftlet::ops
