// Magnitude pruning: what is small becomes zero. No data needed.
#pragma once

#include "swiftlet/compress/prune/mask.h"

namespace swiftlet {

// Scores are |w|. Elements, or blocks, of the whole matrix are compared with each other, as the layer-wise
// baselines of the SparseGPT and Wanda papers do (Han et al. 2015 for the method). Throws kInvalid when a
// value is not finite, naming weight, row and column.
Mask magnitude_mask(const PrunePattern& pattern, const Weight& weight, ThreadPool& pool);

}  // namespace swiftlet
