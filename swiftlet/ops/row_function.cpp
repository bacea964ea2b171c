#include "swiftlet/ops/row_function.h"

#include "swiftlet/ops/common.h"

namespace swiftlet::ops {
namespace {

std::vector<Inferred> infer_same(const NodeView& node) {
  return {require_f32(node, 0)};
}

struct RowFunctionKernel {
  Place x, y;
  Extent rows;
  std::int64_t width = 0;
  bool softmax = false;

  static void run(const RowFunctionKernel& p, const ExecContext& context) noexcept {
    const float* x = p.x.f32(context);
    float* y = p.y.f32_out(context);
    const kernels::RowKernels& table = context.table->rows;
    context.pool->parallel_for(p.rows(context), 1, [&](std::int64_t begin, std::int64_t end) {
      const std::int64_t at = begin * p.width;
      if (p.softmax)
        table.softmax(x + at, y + at, end - begin, p.width);
      else
        table.l2_normalize(x + at, end - begin, p.width, y + at);
    });
  }
};

Kernel lower(LowerContext& context, bool softmax) {
  const Type& type = NodeView{context.graph(), context.node()}.type(0);
  return make_kernel(RowFunctionKernel{.x = context.input(0),
                                       .y = context.output(0),
                                       .rows = context.extent(row_count(type)),
                                       .width = last_dim(type),
                                       .softmax = softmax});
}

Kernel lower_softmax(LowerContext& context) {
  return lower(context, true);
}
Kernel lower_l2_normalize(LowerContext& context) {
  return lower(context, false);
}
Cost row_cost(const NodeView& node, const CostContext& step) {
  return streaming_cost(node, step, 5);
}

}  // namespace

const OpSchema kSoftmax{.name = "softmax", .infer = infer_same, .lower_cpu = lower_softmax, .cost = row_cost};
const OpSchema kL2Normalize{
    .name = "l2_normalize", .infer = infer_same, .lower_cpu = lower_l2_normalize, .cost = row_cost};

Value softmax(Value x) {
  return x.graph->add(kSoftmax, {x})[0];
}
Value l2_normalize(Value x) {
  return x.graph->add(kL2Normalize, {x})[0];
}

}  // namespace swiftlet::ops
