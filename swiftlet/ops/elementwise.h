// Element by element: add, mul (the second operand may be a vector along the last dimension), scale, clip,
// activations.
#pragma once

#include <string_view>

#include "swiftlet/graph/op_schema.h"

namespace swiftlet::ops {

extern const OpSchema kAdd;
extern const OpSchema kMul;
extern const OpSchema kScale;       // attribute factor: x * factor
extern const OpSchema kClip;        // attribute limit, above 0: x within [-limit, limit]
extern const OpSchema kShift;       // attribute offset: i32 x + offset
extern const OpSchema kActivation;  // attribute function: a name of activation_from_name

Value add(Value a, Value b);
Value mul(Value a, Value b);
Value scale(Value x, double factor);
Value clip(Value x, double limit);
Value shift(Value x, std::int64_t offset);  // x itself where the offset is 0
// function: as Hugging Face's `hidden_act` says it: "gelu" (by erf), "gelu_new", "gelu_fast" and
// "gelu_pytorch_tanh" (by tanh), "relu", "silu" or "swish", "tanh", "sigmoid"; and, as several nodes, "relu2"
// and "quick_gelu". Throws kUnsupported for others, listing these.
Value activation(Value x, std::string_view function);

// "" is Activation::kNone.
kernels::Activation activation_from_name(std::string_view name);

}  // namespace swiftlet::ops
