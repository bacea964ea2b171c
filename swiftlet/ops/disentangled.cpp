#include "swiftlet/ops/disentangled.h"

#include <algorithm>
#include <cmath>

#include "swiftlet/kernels/disentangled.h"
#include "swiftlet/ops/common.h"

namespace swiftlet::ops {
namespace {

void check_positions(const NodeView& node, std::size_t input, const Type& q, std::string_view what) {
  if (!node.has(input)) return;
  const Type& table = require_f32(node, input, 2);
  require(table.shape.size() == 2 && table.shape[1] == q.shape[1], "infer", "{} of {} are {}", what,
          q.to_string(), table.to_string());
  const std::int64_t rows = table.shape[0].constant();
  for (const std::int64_t row : node.attribute<std::vector<std::int64_t>>("buckets"))
    require(row >= 0 && row < rows, "infer", "a distance has row {} of {} {}", row, rows, what);
}

std::vector<Inferred> infer_attention(const NodeView& node) {
  require(node.inputs() == 5, "infer", "takes q, k, v and two tables of positions (absent or not), got {}",
          node.inputs());
  const Type& q = require_f32(node, 0, 2);
  require(q.shape.size() == 2 && node.type(1) == q && node.type(2) == q, "infer",
          "q, k and v must be alike, are {}, {} and {}", q.to_string(), node.type(1).to_string(),
          node.type(2).to_string());
  const auto heads = node.attribute<std::int64_t>("heads");
  require(heads > 0 && last_dim(q) % heads == 0, "infer", "{} does not divide into {} heads", q.to_string(),
          heads);
  const auto& buckets = node.attribute<std::vector<std::int64_t>>("buckets");
  require(buckets.size() % 2 == 1 && std::is_sorted(buckets.begin(), buckets.end()), "infer",
          "needs an odd number of rows for distances that do not decrease");
  check_positions(node, 3, q, "position keys");
  check_positions(node, 4, q, "position queries");
  return {q};
}

struct DisentangledKernel {
  Place q, k, v, keys, queries, y;
  std::int32_t axis = 0;
  std::int64_t longest = 0, rows = 0;
  kernels::DisentangledArgs args;
  std::vector<std::int32_t> buckets;

  static void run(const DisentangledKernel& p, const ExecContext& context) noexcept {
    kernels::DisentangledArgs args = p.args;
    args.q = p.q.f32(context);
    args.k = p.k.f32(context);
    args.v = p.v.f32(context);
    args.position_keys = p.keys.f32(context);
    args.position_queries = p.queries.f32(context);
    args.buckets = p.buckets.data();
    const RaggedAxis& axis = context.batch->axes[static_cast<std::size_t>(p.axis)];
    args.segments = axis.segments.data();
    args.segment_count = static_cast<int>(axis.segments.size());
    args.y = p.y.f32_out(context);
    kernels::disentangled_attention(*context.table, *context.pool, args, p.longest, p.rows,
                                    context.workspace);
  }
};

Kernel lower_attention(LowerContext& context) {
  const NodeView node{context.graph(), context.node()};
  const auto& buckets = node.attribute<std::vector<std::int64_t>>("buckets");
  const auto heads = node.attribute<std::int64_t>("heads");
  DisentangledKernel kernel{.q = context.input(0),
                            .k = context.input(1),
                            .v = context.input(2),
                            .keys = node.has(3) ? context.input(3) : Place{},
                            .queries = node.has(4) ? context.input(4) : Place{},
                            .y = context.output(0),
                            .axis = context.ragged_axis(node.type(0).shape[0]),
                            .longest = context.maximum(node.type(0).shape[0]),
                            .rows = buckets.back() - buckets.front() + 1,
                            .args = {},
                            .buckets = {buckets.begin(), buckets.end()}};
  kernel.args.heads = static_cast<int>(heads);
  kernel.args.head_dim = static_cast<int>(last_dim(node.type(0)) / heads);
  kernel.args.scale = static_cast<float>(node.attribute<double>("scale"));
  kernel.args.most = (std::ssize(buckets) + 1) / 2;
  const std::size_t workspace =
      kernels::disentangled_workspace(kernel.args.head_dim, kernel.longest, kernel.rows, context.threads());
  return make_kernel(std::move(kernel), workspace);
}

// As if all rows were one sequence where the batch is not known.
Cost attention_cost(const NodeView& node, const CostContext& step) {
  const double tokens = static_cast<double>(node.type(0).shape[0].evaluate(step.value_of));
  double pairs = tokens * tokens;
  if (step.batch != nullptr && !step.batch->axes.empty()) {
    pairs = 0;
    for (const kernels::Segment& segment : step.batch->axes[0].segments)
      pairs += std::pow(static_cast<double>(segment.query_end - segment.query_begin), 2);
  }
  const auto& buckets = node.attribute<std::vector<std::int64_t>>("buckets");
  const double rows = static_cast<double>(buckets.back() - buckets.front() + 1);
  const double width = static_cast<double>(last_dim(node.type(0)));
  const double tables = static_cast<double>(node.has(3)) + static_cast<double>(node.has(4));
  return {.flops = 4 * pairs * width + 2 * tables * tokens * std::min(rows, 2 * tokens) * width,
          .bytes = 4 * width * (4 * tokens + tables * rows)};
}

}  // namespace

const OpSchema kDisentangledAttention{.name = "disentangled_attention",
                                      .infer = infer_attention,
                                      .lower_cpu = lower_attention,
                                      .cost = attention_cost};

Value disentangled_attention(Value q, Value k, Value v, Value position_keys, Value position_queries,
                             const DisentangledSpec& spec) {
  return q.graph->add(kDisentangledAttention, {q, k, v, position_keys, position_queries},
                      {{"heads", spec.heads}, {"scale", spec.scale}, {"buckets", spec.buckets}})[0];
}

std::vector<std::int64_t> deberta_buckets(std::int64_t most, std::int64_t buckets, std::int64_t farthest,
                                          std::int64_t span) {
  std::vector<std::int64_t> rows;
  const std::int64_t middle = buckets / 2;
  for (std::int64_t distance = 1 - most; distance < most; ++distance) {
    std::int64_t row = distance;
    if (buckets > 0 && farthest > 0 && std::abs(distance) > middle) {
      // In float32, as the models were trained.
      const float far = std::log(static_cast<float>(std::abs(distance)) / static_cast<float>(middle)) /
                        std::log(static_cast<float>(farthest - 1) / static_cast<float>(middle)) *
                        static_cast<float>(middle - 1);
      const auto bucket = static_cast<std::int64_t>(std::ceil(far)) + middle;
      row = distance > 0 ? bucket : -bucket;
    }
    rows.push_back(std::clamp<std::int64_t>(row + span, 0, 2 * span - 1));
  }
  return rows;
}

}  // namespace swiftlet::ops
