// SparseGPT: elements become zero column by column, and what each takes away is made up for by those that
// follow.
#pragma once

#include "swiftlet/compress/error_feedback.h"
#include "swiftlet/compress/prune/mask.h"

namespace swiftlet {

// Says in a pass of an ErrorFeedback which elements become zero. For one matrix and one pass.
class Pruner {
 public:
  // Those of a mask that was chosen before.
  Pruner(const ErrorFeedback& feedback, Mask mask);
  // Frantar and Alistarh 2023: those that cost the output least, w'² D by what they have become when they are
  // chosen: for a ratio at the start of each block of 128 columns among all of its elements (or blocks), for
  // N:M at the first column of each group. REQUIRES: the feedback takes columns in their own order, and
  // check_pattern(), which refuses other shapes; no threshold.
  Pruner(const ErrorFeedback& feedback, const PrunePattern& pattern, std::int64_t rows);

  // For ErrorFeedback::run(): the size of its blocks, its begin, and in its choose whether to choose zero.
  std::int64_t block() const;
  void begin(const MovedBlock& moved, ThreadPool& pool);
  bool is_zero(std::int64_t row, std::int64_t place, const MovedBlock& moved);

 private:
  // Of `count` elements of a row, from a place on.
  void find_costs(const MovedBlock& moved, std::int64_t row, std::int64_t place, std::int64_t count,
                  float* costs) const;
  void choose_group(std::int64_t row, std::int64_t place, const MovedBlock& moved);

  const ErrorFeedback& feedback_;
  PrunePattern pattern_;
  bool adaptive_;
  Mask mask_;  // by columns
};

// A matrix [N, K] in f32, pruned; what stays has moved. Throws kInvalid when a value is not finite, naming
// weight, row and column. On all threads of the pool; the result does not depend on how many there are.
Weight prune_by_sparse_gpt(Dense& dense, const ErrorFeedback& feedback, const PrunePattern& pattern,
                           const Weight& weight);

}  // namespace swiftlet
