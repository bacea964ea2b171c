// columns(x [tokens, G * W]) -> [tokens, G * width]: the columns [first, first + width) of each of G equal
// groups. What a fused weight gives apart: queries, keys and values, or gate and up.
#pragma once

#include "swiftlet/graph/op_schema.h"

namespace swiftlet::ops {

extern const OpSchema kColumns;  // attributes first, width, groups

Value columns(Value x, std::int64_t first, std::int64_t width, std::int64_t groups = 1);

}  // namespace swiftlet::ops
