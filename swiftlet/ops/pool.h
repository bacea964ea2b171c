// pool(x [tokens, D]) -> [sequences, D]: one vector for each sequence of the ragged axis, as
// sentence-transformers does. select_rows(x [tokens, D], rows i32 [n]) -> [n, D]: chosen rows, for example
// those whose logits are wanted.
#pragma once

#include <string_view>

#include "swiftlet/graph/op_schema.h"

namespace swiftlet::ops {

extern const OpSchema kPool;  // attribute mode: "cls", "mean", "max", "last"
extern const OpSchema kSelectRows;

Value pool(Value x, std::string_view mode);
Value select_rows(Value x, Value rows);

}  // namespace swiftlet::ops
