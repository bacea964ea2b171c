// unfold(x [tokens, D]) -> [tokens, D * K]: every row with its neighbours, of which (K - 1) / 2 stand before
// it and as many behind, within its sequence; zeros beyond its ends. Column i * K + k is column i of the k-th
// neighbour, so a linear over the rows is a convolution over the sequence whose kernels [N, D, K] are read as
// a matrix [N, D * K].
#pragma once

#include "swiftlet/graph/op_schema.h"

namespace swiftlet::ops {

extern const OpSchema kUnfold;  // attribute size: K, odd

Value unfold(Value x, std::int64_t size);

}  // namespace swiftlet::ops
