#include "swiftlet/ops/columns.h"

#include <algorithm>
#include <cstring>

#include "swiftlet/ops/common.h"

namespace swiftlet::ops {
namespace {

constexpr std::int64_t kGrain = 4096;  // elements worth a thread's while

std::vector<Inferred> infer_columns(const NodeView& node) {
  const Type& x = require_f32(node, 0, 2);
  const auto first = node.attribute<std::int64_t>("first"), width = node.attribute<std::int64_t>("width"),
             groups = node.attribute<std::int64_t>("groups");
  require(groups > 0 && last_dim(x) % groups == 0, "infer", "{} does not divide into {} groups",
          x.to_string(), groups);
  const std::int64_t group = last_dim(x) / groups;
  require(first >= 0 && width > 0 && width <= group && first <= group - width, "infer",
          "columns {} to {} are not among the {} of a group of {}", first, first + width, group,
          x.to_string());
  Dims shape = x.shape;
  shape.back() = Dim(groups * width);
  return {Type{DType::kF32, std::move(shape)}};
}

struct ColumnsKernel {
  Place x, y;
  Extent rows;
  std::int64_t group = 0, first = 0, width = 0, groups = 0;

  static void run(const ColumnsKernel& p, const ExecContext& context) noexcept {
    // Groups follow one another in memory, across rows too.
    const float* x = p.x.f32(context) + p.first;
    float* y = p.y.f32_out(context);
    const std::int64_t pieces = p.rows(context) * p.groups;
    const std::size_t bytes = static_cast<std::size_t>(p.width) * sizeof(float);
    context.pool->parallel_for(pieces, std::max<std::int64_t>(1, kGrain / p.width),
                               [&](std::int64_t begin, std::int64_t end) {
                                 for (std::int64_t i = begin; i < end; ++i)
                                   std::memcpy(y + i * p.width, x + i * p.group, bytes);
                               });
  }
};

Kernel lower_columns(LowerContext& context) {
  const NodeView node{context.graph(), context.node()};
  const auto groups = node.attribute<std::int64_t>("groups");
  return make_kernel(ColumnsKernel{.x = context.input(0),
                                   .y = context.output(0),
                                   .rows = context.extent(row_count(node.type(0))),
                                   .group = last_dim(node.type(0)) / groups,
                                   .first = node.attribute<std::int64_t>("first"),
                                   .width = node.attribute<std::int64_t>("width"),
                                   .groups = groups});
}

// Reads as much as it writes.
Cost columns_cost(const NodeView& node, const CostContext& step) {
  return {.flops = 0, .bytes = 8 * element_count(node.graph.value(node.node.outputs[0]).type, step.value_of)};
}

}  // namespace

const OpSchema kColumns{
    .name = "columns", .infer = infer_columns, .lower_cpu = lower_columns, .cost = columns_cost};

Value columns(Value x, std::int64_t first, std::int64_t width, std::int64_t groups) {
  return x.graph->add(kColumns, {x}, {{"first", first}, {"width", width}, {"groups", groups}})[0];
}

}  // namespace swiftlet::ops
