// Functions of a whole row (the last dimension): softmax, and division by the Euclidean length.
#pragma once

#include "swiftlet/graph/op_schema.h"

namespace swiftlet::ops {

extern const OpSchema kSoftmax;
extern const OpSchema kL2Normalize;  // x / max(|x|, 1e-12)

Value softmax(Value x);
Value l2_normalize(Value x);

}  // namespace swiftlet::ops
