#include "swiftlet/compress/prune/prune_and_round.h"

#include "swiftlet/compress/prune/magnitude.h"
#include "swiftlet/compress/prune/sparse_gpt.h"
#include "swiftlet/compress/prune/wanda.h"
#include "swiftlet/compress/quantize/round_to_nearest.h"
#include "swiftlet/core/error.h"

namespace swiftlet {

QuantizedWeight prune_and_round(Dense& dense, const Plan& plan, const PlannedWeight& planned,
                                const Weight& weight, const SeenInput& input) {
  const PrunePattern& pattern = plan.prune->pattern;
  ThreadPool& pool = dense.pool();
  const bool feeds_back = plan.method == Method::kGptq && input.solver != nullptr;
  const auto rounded = [&](const Weight& pruned) {
    return with_error(weight, round_to_nearest(pruned, planned.encoding, planned.arithmetic, pool).weight,
                      pool);
  };
  if (plan.prune->method == PruneMethod::kSparseGpt) {
    SWIFTLET_ASSERT(input.solver != nullptr);
    const ErrorFeedback& feedback = input.solver->feedback();
    if (!feeds_back) return rounded(prune_by_sparse_gpt(dense, feedback, pattern, weight));
    Pruner pruner(feedback, pattern, weight.shape[0]);
    return input.solver->quantize(dense, weight, planned.encoding, planned.arithmetic, &pruner);
  }
  Mask mask = plan.prune->method == PruneMethod::kWanda ? wanda_mask(pattern, weight, *input.moments, pool)
                                                        : magnitude_mask(pattern, weight, pool);
  const Weight pruned = with_zeros(weight, mask, pool);
  if (!feeds_back) return rounded(pruned);
  Pruner pruner(input.solver->feedback(), std::move(mask));
  QuantizedWeight result =
      input.solver->quantize(dense, pruned, planned.encoding, planned.arithmetic, &pruner);
  return with_error(weight, std::move(result.weight), pool);
}

}  // namespace swiftlet
