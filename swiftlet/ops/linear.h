// linear(x [.., K], W [N, K], bias [N]?) -> activation(x W^T + bias) [.., N], in whatever encoding W is.
// linear_merged(x, W0, bias0?, W1, bias1?, ...): several linears of one input in one pass over it; one output
// each.
#pragma once

#include "swiftlet/graph/op_schema.h"
#include "swiftlet/graph/scope.h"

namespace swiftlet::ops {

extern const OpSchema kLinear;        // attribute activation: "" or a name of activation_from_name
extern const OpSchema kLinearMerged;  // fused; attribute activations: names joined by ','

inline constexpr std::size_t kMaxMerged = 4;  // linears in a linear_merged

// What the linear of an op's x and of the weight at that input gives, whose bias follows it (absent or not).
Inferred infer_linear_output(const NodeView& node, std::size_t weight);

Value linear(Value x, Value weight, Value bias = {});
// Uses `scope`.weight and, when `bias` is set, `scope`.bias; names the result after the scope.
Value linear(Value x, const Scope& scope, bool bias = false);
// The same, of a weight that must give `outputs` columns.
Value linear(Value x, const Scope& scope, std::int64_t outputs, bool bias);

}  // namespace swiftlet::ops
