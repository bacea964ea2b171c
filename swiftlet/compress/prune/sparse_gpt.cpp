#include "swiftlet/compress/prune/sparse_gpt.h"

#include <cmath>
#include <limits>

#include "swiftlet/core/error.h"

namespace swiftlet {

Pruner::Pruner(const ErrorFeedback& feedback, Mask mask)
    : feedback_(feedback), adaptive_(false), mask_(std::move(mask)) {
  SWIFTLET_ASSERT(mask_.k == feedback.k());
}

Pruner::Pruner(const ErrorFeedback& feedback, const PrunePattern& pattern, std::int64_t rows)
    : feedback_(feedback), pattern_(pattern), adaptive_(true), mask_(rows, feedback.k()) {
  SWIFTLET_ASSERT(feedback.in_own_order() && pattern.kind != PrunePattern::Kind::kBelow);
}

std::int64_t Pruner::block() const {
  constexpr std::int64_t kBlock = ErrorFeedback::kBlock;
  const bool groups = adaptive_ && pattern_.kind == PrunePattern::Kind::kGroups;
  return groups ? kBlock / pattern_.group * pattern_.group : kBlock;  // whole groups
}

// D of columns still to be set tells what zeroing one would cost if those behind it were to make up for it.
void Pruner::find_costs(const MovedBlock& moved, std::int64_t row, std::int64_t place, std::int64_t count,
                        float* costs) const {
  feedback_.look_ahead(moved, row, place, count, costs);
  for (std::int64_t i = 0; i < count; ++i) {
    const float cost = costs[i] * costs[i] * feedback_.pivot(place - i);
    costs[i] = std::isnan(cost) ? std::numeric_limits<float>::infinity() : cost;  // who rounds it says so
  }
}

void Pruner::begin(const MovedBlock& moved, ThreadPool& pool) {
  if (!adaptive_ || pattern_.kind != PrunePattern::Kind::kRatio) return;
  const std::int64_t width = moved.end - moved.begin, first = feedback_.column(moved.end - 1);
  std::vector<float> costs(static_cast<std::size_t>(moved.rows * width));
  pool.parallel_for(moved.rows, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r)
      find_costs(moved, r, moved.end - 1, width, costs.data() + r * width);
  });
  mark_least(pattern_, {costs.data(), moved.rows, width, width}, Rivals::kMatrix, mask_, first, pool);
}

void Pruner::choose_group(std::int64_t row, std::int64_t place, const MovedBlock& moved) {
  float costs[PrunePattern::kMostGroup];
  find_costs(moved, row, place, pattern_.group, costs);
  mark_least(costs, pattern_.group, pattern_.group - pattern_.keep, mask_.row(row) + feedback_.column(place));
}

bool Pruner::is_zero(std::int64_t row, std::int64_t place, const MovedBlock& moved) {
  const std::int64_t column = feedback_.column(place);
  if (adaptive_ && pattern_.kind == PrunePattern::Kind::kGroups && column % pattern_.group == 0)
    choose_group(row, place, moved);
  return mask_.at(row, column);
}

Weight prune_by_sparse_gpt(Dense& dense, const ErrorFeedback& feedback, const PrunePattern& pattern,
                           const Weight& weight) {
  const std::int64_t n = weight.shape[0], k = weight.shape[1];
  for_rows_of_panels(n, &dense.pool(), [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> row(static_cast<std::size_t>(k));
    for (std::int64_t r = begin; r < end; ++r) {
      decode_row(weight, r, row.data());
      check_finite(weight, r, row);
    }
  });
  Tensor values = Tensor::zeros(DType::kF32, weight.shape);
  float* const out = values.mutable_data<float>();
  Pruner pruner(feedback, pattern, n);
  feedback.run(
      dense, weight, pruner.block(), [&](const MovedBlock& moved) { pruner.begin(moved, dense.pool()); },
      [&](std::int64_t r, std::int64_t place, const MovedBlock& moved) {
        return out[r * k + feedback.column(place)] =
                   pruner.is_zero(r, place, moved) ? 0.0f : moved.at(r, place);
      });
  return weight_from_tensor(weight.name, values);
}

}  // namespace swiftlet
