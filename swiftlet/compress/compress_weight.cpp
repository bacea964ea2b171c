#include "swiftlet/compress/compress_weight.h"

#include "swiftlet/compress/prune/magnitude.h"
#include "swiftlet/compress/prune/sparse_gpt.h"
#include "swiftlet/compress/prune/wanda.h"
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

Weight round(Dense& dense, const Method& method, const Weight& weight, const Encoding& encoding,
             const SeenInput& input, const Mask* zeros) {
  const bool by_gptq = method.rounding == Rounding::kGptq && input.solver != nullptr;
  if (!has_group_scales(encoding) || !(by_gptq || method.clip))
    return encode(weight, encoding, &dense.pool());
  const GroupScales scales = method.clip ? clipped_scales(dense, weight, encoding, input.moments)
                                         : usual_scales(weight, encoding, dense.pool());
  return by_gptq ? input.solver->round(dense, weight, encoding, scales, zeros)
                 : round_with_scales(weight, encoding, scales, dense.pool());
}

}  // namespace

QuantizedWeight compress_weight(Dense& dense, const Plan& plan, const PlannedWeight& planned,
                                const Weight& weight, const SeenInput& input) {
  const auto rounded = [&](const Weight& left, const Mask* zeros) {
    Weight after = round(dense, plan.method, left, planned.encoding, input, zeros);
    after.arithmetic = planned.arithmetic;
    return with_error(weight, std::move(after), dense.pool());
  };
  if (!planned.prune) return rounded(weight, nullptr);
  const PrunedWeight pruned = prune(dense, *plan.prune, weight, input);
  return rounded(pruned.weight, &pruned.zeros);
}

}  // namespace swiftlet
