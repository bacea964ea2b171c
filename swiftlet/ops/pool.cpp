#include "swiftlet/ops/pool.h"

#include <cstring>

#include "swiftlet/ops/common.h"

namespace swiftlet::ops {
namespace {

enum class Mode { kCls, kMean, kMax, kLast };

Mode mode_from_name(std::string_view name) {
  if (name == "cls") return Mode::kCls;
  if (name == "mean") return Mode::kMean;
  if (name == "max") return Mode::kMax;
  if (name == "last") return Mode::kLast;
  fail(ErrorCode::kUnsupported, "pool", "mode '{}' is not known; known are cls, mean, max, last", name);
}

std::vector<Inferred> infer_pool(const NodeView& node) {
  mode_from_name(node.attribute<std::string>("mode"));
  const Type& x = require_f32(node, 0, 2);
  require(x.shape.size() == 2 && x.shape[0].symbol_name() == "tokens", "infer",
          "x must be f32[tokens, D], is {}", x.to_string());
  return {Type{DType::kF32, {Dim::symbol("sequences"), x.shape[1]}}};
}

struct PoolKernel {
  Place x, y;
  std::int64_t width = 0;
  std::int32_t axis = 0;
  Mode mode = Mode::kMean;

  static void run(const PoolKernel& p, const ExecContext& context) noexcept {
    const float* x = p.x.f32(context);
    float* y = p.y.f32_out(context);
    const auto segments = context.batch->axes[static_cast<std::size_t>(p.axis)].segments;
    const auto count = static_cast<std::int64_t>(segments.size());
    context.pool->parallel_for(count, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t s = begin; s < end; ++s)
        reduce(p, *context.table, segments[static_cast<std::size_t>(s)], x, y + s * p.width);
    });
  }

  static void reduce(const PoolKernel& p, const kernels::KernelTable& table, const kernels::Segment& segment,
                     const float* x, float* y) noexcept {
    const float* first = x + segment.query_begin * p.width;
    const std::int64_t rows = segment.query_end - segment.query_begin;
    const std::size_t bytes = static_cast<std::size_t>(p.width) * sizeof(float);
    if (rows == 0)
      std::memset(y, 0, bytes);
    else if (p.mode == Mode::kMean)
      table.rows.mean_rows(first, rows, p.width, y);
    else if (p.mode == Mode::kMax)
      table.rows.max_rows(first, rows, p.width, y);
    else
      std::memcpy(y, p.mode == Mode::kCls ? first : first + (rows - 1) * p.width, bytes);
  }
};

Kernel lower_pool(LowerContext& context) {
  const NodeView node{context.graph(), context.node()};
  return make_kernel(PoolKernel{.x = context.input(0),
                                .y = context.output(0),
                                .width = last_dim(node.type(0)),
                                .axis = context.ragged_axis(node.type(0).shape[0]),
                                .mode = mode_from_name(node.attribute<std::string>("mode"))});
}

std::vector<Inferred> infer_select(const NodeView& node) {
  const Type& x = require_f32(node, 0, 2);
  const Type& rows = node.type(1);
  require(x.shape.size() == 2 && rows.dtype == DType::kI32 && rows.shape.size() == 1, "infer",
          "x must be f32[rows, D] and the rows i32[n], are {} and {}", x.to_string(), rows.to_string());
  return {Type{DType::kF32, {rows.shape[0], x.shape[1]}}};
}

struct SelectKernel {
  Place x, rows, y;
  Extent count;
  std::int64_t width = 0;

  static void run(const SelectKernel& p, const ExecContext& context) noexcept {
    const float* x = p.x.f32(context);
    const auto* rows = static_cast<const std::int32_t*>(p.rows.resolve(context));
    float* y = p.y.f32_out(context);
    const std::int64_t count = p.count(context);
    for (std::int64_t i = 0; i < count; ++i)
      std::memcpy(y + i * p.width, x + rows[i] * p.width, static_cast<std::size_t>(p.width) * sizeof(float));
  }
};

Kernel lower_select(LowerContext& context) {
  const NodeView node{context.graph(), context.node()};
  return make_kernel(SelectKernel{.x = context.input(0),
                                  .rows = context.input(1),
                                  .y = context.output(0),
                                  .count = context.extent(node.type(1).shape[0]),
                                  .width = last_dim(node.type(0))});
}

Cost pool_cost(const NodeView& node, const CostContext& step) {
  return streaming_cost(node, step, 1);
}

// Reads as many rows as it writes, and their numbers.
Cost select_cost(const NodeView& node, const CostContext& step) {
  const Type& selected = node.graph.value(node.node.outputs[0]).type;
  return {
      .flops = 0,
      .bytes = 8 * element_count(selected, step.value_of) + 4 * element_count(node.type(1), step.value_of)};
}

}  // namespace

const OpSchema kPool{.name = "pool", .infer = infer_pool, .lower_cpu = lower_pool, .cost = pool_cost};
const OpSchema kSelectRows{
    .name = "select_rows", .infer = infer_select, .lower_cpu = lower_select, .cost = select_cost};

Value pool(Value x, std::string_view mode) {
  return x.graph->add(kPool, {x}, {{"mode", std::string(mode)}})[0];
}
Value select_rows(Value x, Value rows) {
  return x.graph->add(kSelectRows, {x, rows})[0];
}

}  // namespace swiftlet::ops
