// pool(x [tokens, D], skip i32 [sequences]?) -> [sequences, n * D]: one vector for each sequence of the
// ragged axis, as sentence-transformers does, of n modes side by side; without its first `skip` tokens, where
// given and where others are left. select_rows(x [tokens, D], rows i32 [n]) -> [n, D]: chosen rows, for
// example those whose logits are wanted.
#pragma once

#include <string_view>

#include "swiftlet/graph/op_schema.h"

namespace swiftlet::ops {

// Attribute mode: one or several, joined by ',', of "cls", "mean", "max", "last", "mean_sqrt" (the sum over
// the square root of the count) and "weighted" (a mean in which the i-th token counts i times).
extern const OpSchema kPool;
extern const OpSchema kSelectRows;

Value pool(Value x, std::string_view mode, Value skip = {});
Value select_rows(Value x, Value rows);

}  // namespace swiftlet::ops
