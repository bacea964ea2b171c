// Wanda: what is small becomes zero, measured by what it is multiplied by.
#pragma once

#include "swiftlet/compress/calibrate/second_moments.h"
#include "swiftlet/compress/prune/mask.h"

namespace swiftlet {

// Sun et al. 2023: scores are |w| times the Euclidean norm of the input's column on the samples. Elements are
// compared within their row (which is one output), blocks within their row of blocks. No other weight moves.
// Throws kInvalid when a value is not finite, naming weight, row and column.
Mask wanda_mask(const PrunePattern& pattern, const Weight& weight, const SecondMoments& moments,
                ThreadPool& pool);

}  // namespace swiftlet
