#include "swiftlet/compress/prune/wanda.h"

#include <cmath>

#include "swiftlet/compress/prune/scores.h"
#include "swiftlet/core/error.h"

namespace swiftlet {

Mask wanda_mask(const PrunePattern& pattern, const Weight& weight, const SecondMoments& moments,
                ThreadPool& pool) {
  SWIFTLET_ASSERT(moments.k() == weight.shape[1]);
  std::vector<float> norms(static_cast<std::size_t>(moments.k()));
  for (std::int64_t c = 0; c < moments.k(); ++c)
    norms[static_cast<std::size_t>(c)] = std::sqrt(moments.at(c, c));
  const std::vector<float> scores = scaled_magnitudes(weight, norms, pool);
  Mask mask(weight.shape[0], weight.shape[1]);
  mark_least(pattern, {scores.data(), mask.n, mask.k, mask.k}, Rivals::kRow, mask, 0, pool);
  return mask;
}

}  // namespace swiftlet
