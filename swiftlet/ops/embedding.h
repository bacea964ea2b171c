// embedding(ids i32 [tokens], table [V, D]) -> f32 [tokens, D]: rows of a table in any encoding, decoded to
// f32.
#pragma once

#include "swiftlet/graph/op_schema.h"
#include "swiftlet/graph/scope.h"

namespace swiftlet::ops {

extern const OpSchema kEmbedding;

Value embedding(Value ids, Value table);
// The table `scope`.weight.
Value embedding(Value ids, const Scope& scope);

}  // namespace swiftlet::ops
