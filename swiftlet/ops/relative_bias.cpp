#include "swiftlet/ops/relative_bias.h"

#include <algorithm>
#include <cmath>

#include "swiftlet/ops/common.h"

namespace swiftlet::ops {
namespace {

std::vector<Inferred> infer_bias(const NodeView& node) {
  const Type& table = require_f32(node, 0, 2);
  require(table.shape.size() == 2 && table.shape[0] == kT5Buckets, "infer",
          "the table must be f32[{}, heads], is {}", kT5Buckets, table.to_string());
  return {Type{DType::kF32, {table.shape[1], Dim(2 * kT5Distance - 1)}}};
}

struct BiasKernel {
  Place table, y;
  std::int64_t heads = 0;

  static void run(const BiasKernel& p, const ExecContext& context) noexcept {
    const float* table = p.table.f32(context);
    float* y = p.y.f32_out(context);
    for (std::int64_t i = 0; i < 2 * kT5Distance - 1; ++i) {
      const std::int64_t bucket = t5_bucket(i - kT5Distance + 1);
      for (std::int64_t head = 0; head < p.heads; ++head)
        y[head * (2 * kT5Distance - 1) + i] = table[bucket * p.heads + head];
    }
  }
};

Kernel lower_bias(LowerContext& context) {
  const NodeView node{context.graph(), context.node()};
  return make_kernel(
      BiasKernel{.table = context.input(0), .y = context.output(0), .heads = last_dim(node.type(0))});
}

Cost bias_cost(const NodeView& node, const CostContext& step) {
  return streaming_cost(node, step, 1);
}

}  // namespace

const OpSchema kT5RelativeBias{
    .name = "t5_relative_bias", .infer = infer_bias, .lower_cpu = lower_bias, .cost = bias_cost};

Value t5_relative_bias(Value table) {
  return table.graph->add(kT5RelativeBias, {table})[0];
}

std::int64_t t5_bucket(std::int64_t distance) {
  constexpr std::int64_t kHalf = kT5Buckets / 2, kExact = kHalf / 2;
  const std::int64_t n = std::abs(distance), side = distance > 0 ? kHalf : 0;
  if (n < kExact) return side + n;
  // In float32, as the models were trained.
  const float far = std::log(static_cast<float>(n) / kExact) /
                    static_cast<float>(std::log(double{kT5Distance} / kExact)) * (kHalf - kExact);
  return side + std::min(kExact + static_cast<std::int64_t>(far), kHalf - 1);
}

}  // namespace swiftlet::ops
