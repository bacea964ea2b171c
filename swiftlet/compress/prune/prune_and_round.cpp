#include "swiftlet/compress/prune/prune_and_round.h"

#include "swiftlet/compress/prune/magnitude.h"
#include "swiftlet/compress/prune/sparse_gpt.h"
#include "swiftlet/compress/prune/wanda.h"
#include "swiftlet/compress/quantize/round_to_nearest.h"
#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

PrunedWeight prune(Dense& dense, const Pruning& pruning, const Weight& weight, const SeenInput& input) {
  if (pruning.method == PruneMethod::kSparseGpt) {
    SWIFTLET_ASSERT(input.solver != nullptr);
    return prune_by_sparse_gpt(dense, input.solver->feedback(), pruning.pattern, weight);
  }
  Mask mask = pruning.method == PruneMethod::kWanda
                  ? wanda_mask(pruning.pattern, weight, *input.moments, dense.pool())
                  : magnitude_mask(pruning.pattern, weight, dense.pool());
  Weight left = with_zeros(weight, mask, dense.pool());
  return {.weight = std::move(left), .zeros = std::move(mask)};
}

}  // namespace

QuantizedWeight prune_and_round(Dense& dense, const Plan& plan, const PlannedWeight& planned,
                                const Weight& weight, const SeenInput& input) {
  const auto [left, zeros] = prune(dense, *plan.prune, weight, input);
  const bool by_gptq = plan.method == Method::kGptq && input.solver != nullptr;
  QuantizedWeight rounded =
      by_gptq ? input.solver->quantize(dense, left, planned.encoding, planned.arithmetic, &zeros)
              : round_to_nearest(left, planned.encoding, planned.arithmetic, dense.pool());
  return with_error(weight, std::move(rounded.weight), dense.pool());
}

}  // namespace swiftlet
