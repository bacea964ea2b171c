#include "swiftlet/compress/prune/magnitude.h"

#include "swiftlet/compress/prune/scores.h"

namespace swiftlet {

Mask magnitude_mask(const PrunePattern& pattern, const Weight& weight, ThreadPool& pool) {
  const std::vector<float> scores =
      scaled_magnitudes(weight, std::vector<float>(static_cast<std::size_t>(weight.shape[1]), 1.0f), pool);
  Mask mask(weight.shape[0], weight.shape[1]);
  mark_least(pattern, {scores.data(), mask.n, mask.k, mask.k}, Rivals::kMatrix, mask, 0, pool);
  return mask;
}

}  // namespace swiftlet
