#include "swiftlet/ops/unfold.h"

#include <algorithm>

#include "swiftlet/ops/common.h"

namespace swiftlet::ops {
namespace {

constexpr std::int64_t kMostNeighbours = 1025;

std::vector<Inferred> infer_unfold(const NodeView& node) {
  const Type& x = require_f32(node, 0, 2);
  const auto size = node.attribute<std::int64_t>("size");
  require(x.shape.size() == 2, "infer", "x must have 2 dimensions, is {}", x.to_string());
  require(size % 2 == 1 && size > 0 && size <= kMostNeighbours, "infer",
          "the number of neighbours must be odd and at most {}, is {}", kMostNeighbours, size);
  return {Type{DType::kF32, {x.shape[0], Dim(last_dim(x) * size)}}};
}

struct UnfoldKernel {
  Place x, y;
  std::int32_t axis = 0;
  std::int64_t width = 0, size = 0;

  // A row of the sequence whose rows are first .. last - 1.
  void row(const float* x_rows, std::int64_t row, std::int64_t first, std::int64_t last, float* out) const {
    for (std::int64_t k = 0; k < size; ++k) {
      const std::int64_t neighbour = row + k - size / 2;
      const bool is_there = neighbour >= first && neighbour < last;
      const float* from = x_rows + neighbour * width;
      for (std::int64_t i = 0; i < width; ++i) out[i * size + k] = is_there ? from[i] : 0.0f;
    }
  }

  static void run(const UnfoldKernel& p, const ExecContext& context) noexcept {
    const float* x = p.x.f32(context);
    float* y = p.y.f32_out(context);
    for (const kernels::Segment& segment : context.batch->axes[static_cast<std::size_t>(p.axis)].segments)
      context.pool->parallel_for(
          segment.query_end - segment.query_begin, 4, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
              const std::int64_t row = segment.query_begin + i;
              p.row(x, row, segment.query_begin, segment.query_end, y + row * p.width * p.size);
            }
          });
  }
};

Kernel lower_unfold(LowerContext& context) {
  const NodeView node{context.graph(), context.node()};
  return make_kernel(UnfoldKernel{.x = context.input(0),
                                  .y = context.output(0),
                                  .axis = context.ragged_axis(node.type(0).shape[0]),
                                  .width = last_dim(node.type(0)),
                                  .size = node.attribute<std::int64_t>("size")});
}

Cost unfold_cost(const NodeView& node, const CostContext& step) {
  const double read = element_count(node.type(0), step.value_of),
               written = element_count(node.graph.value(node.node.outputs[0]).type, step.value_of);
  return {.flops = 0, .bytes = 4 * (read + written)};
}

}  // namespace

const OpSchema kUnfold{
    .name = "unfold", .infer = infer_unfold, .lower_cpu = lower_unfold, .cost = unfold_cost};

Value unfold(Value x, std::int64_t size) {
  return x.graph->add(kUnfold, {x}, {{"size", size}})[0];
}

}  // namespace swiftlet::ops
