#include "swiftlet/ops/pool.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "swiftlet/ops/common.h"

namespace swiftlet::ops {
namespace {

enum class Mode { kCls, kMean, kMax, kLast, kMeanSqrt, kWeighted };

constexpr std::array<std::pair<std::string_view, Mode>, 6> kModes{{{"cls", Mode::kCls},
                                                                   {"mean", Mode::kMean},
                                                                   {"max", Mode::kMax},
                                                                   {"last", Mode::kLast},
                                                                   {"mean_sqrt", Mode::kMeanSqrt},
                                                                   {"weighted", Mode::kWeighted}}};
constexpr std::size_t kMostModes = kModes.size();

Mode mode_from_name(std::string_view name) {
  for (const auto& [known, mode] : kModes)
    if (known == name) return mode;
  fail(ErrorCode::kUnsupported, "pool",
       "mode '{}' is not known; known are cls, mean, max, last, mean_sqrt, weighted", name);
}

struct Modes {
  std::array<Mode, kMostModes> list{};
  std::int64_t count = 0;
};

Modes modes_of(const NodeView& node) {
  const auto names = node.attribute<std::string>("mode");
  Modes modes;
  for (std::size_t begin = 0; begin <= names.size();) {
    const std::size_t end = std::min(names.find(',', begin), names.size());
    require(modes.count < static_cast<std::int64_t>(kMostModes), "infer", "at most {} modes, are {}",
            kMostModes, names);
    modes.list[static_cast<std::size_t>(modes.count++)] =
        mode_from_name(std::string_view(names).substr(begin, end - begin));
    begin = end + 1;
  }
  return modes;
}

std::vector<Inferred> infer_pool(const NodeView& node) {
  const Modes modes = modes_of(node);
  const Type& x = require_f32(node, 0, 2);
  require(x.shape.size() == 2 && x.shape[0].symbol_name() == "tokens", "infer",
          "x must be f32[tokens, D], is {}", x.to_string());
  if (node.has(1)) {
    const Type& skip = node.type(1);
    require(skip.dtype == DType::kI32 && skip.shape.size() == 1 && skip.shape[0].symbol_name() == "sequences",
            "infer", "skip must be i32[sequences], is {}", skip.to_string());
  }
  return {Type{DType::kF32, {Dim::symbol("sequences"), Dim(last_dim(x) * modes.count)}}};
}

struct PoolKernel {
  Place x, skip, y;
  std::int64_t width = 0;
  std::int32_t axis = 0;
  bool skips = false;
  Modes modes;

  static void run(const PoolKernel& p, const ExecContext& context) noexcept {
    const float* x = p.x.f32(context);
    float* y = p.y.f32_out(context);
    const auto* skip = p.skips ? static_cast<const std::int32_t*>(p.skip.resolve(context)) : nullptr;
    const auto segments = context.batch->axes[static_cast<std::size_t>(p.axis)].segments;
    const auto count = static_cast<std::int64_t>(segments.size());
    context.pool->parallel_for(count, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t s = begin; s < end; ++s) {
        const kernels::Segment& segment = segments[static_cast<std::size_t>(s)];
        const std::int64_t all = segment.query_end - segment.query_begin;
        const std::int64_t first = skip != nullptr && skip[s] < all ? skip[s] : 0;
        for (std::int64_t m = 0; m < p.modes.count; ++m)
          reduce(p.modes.list[static_cast<std::size_t>(m)], *context.table,
                 x + (segment.query_begin + first) * p.width, first, all - first, p.width,
                 y + (s * p.modes.count + m) * p.width);
      }
    });
  }

  // rows [n, D], which are those from `first` on of their sequence.
  static void reduce(Mode mode, const kernels::KernelTable& table, const float* rows, std::int64_t first,
                     std::int64_t n, std::int64_t width, float* y) noexcept {
    const std::size_t bytes = static_cast<std::size_t>(width) * sizeof(float);
    if (n == 0) {
      std::memset(y, 0, bytes);
    } else if (mode == Mode::kMean || mode == Mode::kMeanSqrt) {
      table.rows.mean_rows(rows, n, width, y);
      if (mode == Mode::kMeanSqrt) scale_row(y, width, std::sqrt(static_cast<float>(n)));
    } else if (mode == Mode::kMax) {
      table.rows.max_rows(rows, n, width, y);
    } else if (mode == Mode::kWeighted) {
      weighted_mean(rows, first, n, width, y);
    } else {
      std::memcpy(y, mode == Mode::kCls ? rows : rows + (n - 1) * width, bytes);
    }
  }

  static void scale_row(float* y, std::int64_t width, float factor) noexcept {
    for (std::int64_t d = 0; d < width; ++d) y[d] *= factor;
  }

  static void weighted_mean(const float* rows, std::int64_t first, std::int64_t n, std::int64_t width,
                            float* y) noexcept {
    std::memset(y, 0, static_cast<std::size_t>(width) * sizeof(float));
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const auto weight = static_cast<float>(first + i + 1);
      for (std::int64_t d = 0; d < width; ++d) y[d] += weight * rows[i * width + d];
      sum += weight;
    }
    scale_row(y, width, static_cast<float>(1 / sum));
  }
};

Kernel lower_pool(LowerContext& context) {
  const NodeView node{context.graph(), context.node()};
  return make_kernel(PoolKernel{.x = context.input(0),
                                .skip = node.has(1) ? context.input(1) : Place{},
                                .y = context.output(0),
                                .width = last_dim(node.type(0)),
                                .axis = context.ragged_axis(node.type(0).shape[0]),
                                .skips = node.has(1),
                                .modes = modes_of(node)});
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

Value pool(Value x, std::string_view mode, Value skip) {
  return x.graph->add(kPool, {x, skip}, {{"mode", std::string(mode)}})[0];
}
Value select_rows(Value x, Value rows) {
  return x.graph->add(kSelectRows, {x, rows})[0];
}

}  // namespace swiftlet::ops
