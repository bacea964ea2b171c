#include "swiftlet/compress/prune/sparse_gpt.h"

#include <cmath>
#include <limits>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

// Chooses the zeros of one matrix in the pass of its feedback.
class Chooser {
 public:
  Chooser(const ErrorFeedback& feedback, const PrunePattern& pattern, std::int64_t rows)
      : feedback_(feedback), pattern_(pattern), mask_(rows, feedback.k()) {
    SWIFTLET_ASSERT(feedback.in_own_order() && pattern.kind != PrunePattern::Kind::kBelow);
  }

  // For ErrorFeedback::run(): the size of its blocks, its begin, and in its choose whether to choose zero.
  std::int64_t block() const {
    constexpr std::int64_t kBlock = ErrorFeedback::kBlock;
    return by_groups() ? kBlock / pattern_.group * pattern_.group : kBlock;  // whole groups
  }
  void begin(const MovedBlock& moved, ThreadPool& pool);
  bool is_zero(std::int64_t row, std::int64_t place, const MovedBlock& moved) {
    const std::int64_t column = feedback_.column(place);
    if (by_groups() && column % pattern_.group == 0) choose_group(row, place, moved);
    return mask_.at(row, column);
  }
  Mask mask() && { return std::move(mask_); }

 private:
  bool by_groups() const { return pattern_.kind == PrunePattern::Kind::kGroups; }
  // Of `count` elements of a row, from a place on.
  void find_costs(const MovedBlock& moved, std::int64_t row, std::int64_t place, std::int64_t count,
                  float* costs) const;
  void choose_group(std::int64_t row, std::int64_t place, const MovedBlock& moved);

  const ErrorFeedback& feedback_;
  const PrunePattern pattern_;
  Mask mask_;
};

// D of columns still to be set tells what zeroing one would cost if those behind it were to make up for it.
void Chooser::find_costs(const MovedBlock& moved, std::int64_t row, std::int64_t place, std::int64_t count,
                         float* costs) const {
  feedback_.look_ahead(moved, row, place, count, costs);
  for (std::int64_t i = 0; i < count; ++i) {
    const float cost = costs[i] * costs[i] * feedback_.pivot(place - i);
    costs[i] = std::isnan(cost) ? std::numeric_limits<float>::infinity() : cost;  // who rounds it says so
  }
}

void Chooser::begin(const MovedBlock& moved, ThreadPool& pool) {
  if (by_groups()) return;
  const std::int64_t width = moved.end - moved.begin, first = feedback_.column(moved.end - 1);
  std::vector<float> costs(static_cast<std::size_t>(moved.rows * width));
  pool.parallel_for(moved.rows, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r)
      find_costs(moved, r, moved.end - 1, width, costs.data() + r * width);
  });
  mark_least(pattern_, {costs.data(), moved.rows, width, width}, Rivals::kMatrix, mask_, first, pool);
}

void Chooser::choose_group(std::int64_t row, std::int64_t place, const MovedBlock& moved) {
  float costs[PrunePattern::kMostGroup];
  find_costs(moved, row, place, pattern_.group, costs);
  mark_least(costs, pattern_.group, pattern_.group - pattern_.keep, mask_.row(row) + feedback_.column(place));
}

void check_all_finite(const Weight& weight, ThreadPool& pool) {
  for_rows_of_panels(weight.shape[0], &pool, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> row(static_cast<std::size_t>(weight.shape[1]));
    for (std::int64_t r = begin; r < end; ++r) {
      decode_row(weight, r, row.data());
      check_finite(weight, r, row);
    }
  });
}

}  // namespace

PrunedWeight prune_by_sparse_gpt(Dense& dense, const ErrorFeedback& feedback, const PrunePattern& pattern,
                                 const Weight& weight) {
  check_all_finite(weight, dense.pool());
  Tensor values = Tensor::zeros(DType::kF32, weight.shape);
  float* const out = values.mutable_data<float>();
  Chooser chooser(feedback, pattern, weight.shape[0]);
  feedback.run(
      dense, weight, chooser.block(), [&](const MovedBlock& moved) { chooser.begin(moved, dense.pool()); },
      [&](std::int64_t r, std::int64_t place, const MovedBlock& moved) {
        float& value = out[r * moved.k + feedback.column(place)];
        return value = chooser.is_zero(r, place, moved) ? 0.0f : moved.at(r, place);
      });
  return {.weight = weight_from_tensor(weight.name, values), .zeros = std::move(chooser).mask()};
}

}  // namespace swiftlet
