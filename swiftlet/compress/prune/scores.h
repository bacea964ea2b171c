// What the scores of elements are made of.
#pragma once

#include <vector>

#include "swiftlet/core/thread_pool.h"
#include "swiftlet/encoding/weight.h"

namespace swiftlet {

// |w| times the factor of its column, [N, K]. Throws kInvalid when a value of the weight is not finite,
// naming weight, row and column. On all threads of the pool.
std::vector<float> scaled_magnitudes(const Weight& weight, const std::vector<float>& factors,
                                     ThreadPool& pool);

// The share of elements of a matrix whose stored value is zero.
double share_of_zeros(const Weight& weight, ThreadPool& pool);

}  // namespace swiftlet
