// Round to nearest: every weight takes the code nearest to it, scales from the extremes of its group. No data
// needed.
#pragma once

#include "swiftlet/encoding/weight.h"

namespace swiftlet {

struct QuantizedWeight {
  Weight weight;
  double relative_error = 0;  // |W' - W| / |W|, Frobenius norms; 0 when W is all zeros
};

QuantizedWeight round_to_nearest(const Weight& weight, const Encoding& encoding, Arithmetic arithmetic);

}  // namespace swiftlet
