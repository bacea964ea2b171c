// stack(v0 [D], v1 [D], ...) -> [n, D]: vectors as the rows of a matrix, for gains that a checkpoint keeps
// one by one.
#pragma once

#include <vector>

#include "swiftlet/graph/op_schema.h"

namespace swiftlet::ops {

extern const OpSchema kStack;

Value stack(const std::vector<Value>& vectors);  // at least one

}  // namespace swiftlet::ops
