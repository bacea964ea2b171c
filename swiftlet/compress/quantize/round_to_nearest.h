// Round to nearest: every weight takes the code nearest to it, scales from the extremes of its group. No data
// needed.
#pragma once

#include "swiftlet/compress/quantize/quantized_weight.h"

namespace swiftlet {

// On all threads of the pool; the result does not depend on how many there are.
QuantizedWeight round_to_nearest(const Weight& weight, const Encoding& encoding, Arithmetic arithmetic,
                                 ThreadPool& pool);

}  // namespace swiftlet
