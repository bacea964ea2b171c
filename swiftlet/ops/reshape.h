// reshape(x, shape i64 [r]) and shape_of(x): with these, a shape may be computed from other shapes; inference
// follows the integer values, so reshape(x, shape_of(y)) has y's symbolic shape.
#pragma once

#include "swiftlet/graph/op_schema.h"

namespace swiftlet::ops {

extern const OpSchema kReshape;
extern const OpSchema kShapeOf;

// One extent of `shape` may be -1: what is left. Throws when the element counts cannot be shown to be equal.
Value reshape(Value x, Value shape);
Value shape_of(Value x);

}  // namespace swiftlet::ops
