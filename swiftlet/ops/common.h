// What the op files share: checks for shape rules, lowering of row-wise kernels, cost of streaming ops.
// Internal to ops/.
#pragma once

#include "swiftlet/core/error.h"
#include "swiftlet/graph/op_schema.h"

namespace swiftlet::ops {

// Throws unless the input is f32 with at least `rank` dimensions; returns its type.
const Type& require_f32(const NodeView& node, std::size_t input, std::size_t rank = 1);
// Throws unless the input is a vector of `length` elements.
void require_vector(const NodeView& node, std::size_t input, const Dim& length, std::string_view what);
// The last dimension as a number; throws when it is symbolic.
std::int64_t last_dim(const Type& type);
// Product of all dimensions but the last; throws when two of them are symbolic.
Dim row_count(const Type& type);
double element_count(const Type& type, const Dim::Lookup& value_of);

// Every input and output passes through memory once, `flops_per_element` operations for each element of
// output 0.
Cost streaming_cost(const NodeView& node, const CostContext& step, double flops_per_element);
// Bytes of the matrix at `input` as the program reads it; four for each element where that is not known.
double matrix_bytes(const NodeView& node, std::size_t input, const CostContext& step);

}  // namespace swiftlet::ops
