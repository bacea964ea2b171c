// Round to nearest: every weight takes the code nearest to it, scales from the extremes of its group. No data
// needed.
#pragma once

#include "swiftlet/core/thread_pool.h"
#include "swiftlet/encoding/weight.h"

namespace swiftlet {

struct QuantizedWeight {
  Weight weight;
  double relative_error = 0;  // |W' - W| / |W|, Frobenius norms; 0 when W is all zeros
};

// On all threads of the pool; the result does not depend on how many there are.
QuantizedWeight round_to_nearest(const Weight& weight, const Encoding& encoding, Arithmetic arithmetic,
                                 ThreadPool& pool);

}  // namespace swiftlet
