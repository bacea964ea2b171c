// A mixture of experts (Shazeer et al., 2017) as two ops: which experts a row takes, and what they make of
// it.
//
// route(x [rows, H], weight [E, H], bias [E]?) -> gates [rows, E], zero for all experts but the chosen ones.
//   The scores are multiplied in f32 from the weight as it is stored, whatever the precision: a rounded score
//   may choose another expert.
// experts(x [rows, H], gates [rows, E], then for each expert its gate [I, H], up [I, H], down [H, I] and
// their
//   biases [I], [I], [H], or absent) -> [rows, H]: the sum of down (activation(gate x) * up x), by gates.
#pragma once

#include <string>
#include <vector>

#include "swiftlet/graph/op_schema.h"
#include "swiftlet/kernels/experts.h"

namespace swiftlet::ops {

// Attributes: chosen (the greatest scores of a row), over_all (the softmax runs over the scores of all
// experts, else over those of the chosen), factor (of every gate; optional).
extern const OpSchema kRoute;
// Attributes: chosen (gates of a row that are not zero, at most), activation; or, for the gate of gpt-oss,
// alpha and limit (RowKernels::clamped_gate).
extern const OpSchema kExperts;

inline constexpr std::size_t kExpertInputs = 6;  // of one expert, behind x and gates

struct ExpertValues {
  Value gate, up, down;
  Value gate_bias, up_bias, down_bias;  // or absent
};

struct ExpertActivation {
  std::string name = "silu";    // of activation_from_name
  double alpha = 0, limit = 0;  // where the limit is not 0, instead of it
};

Value route(Value x, Value weight, Value bias, const kernels::Routing& routing);
Value experts(Value x, Value gates, const std::vector<ExpertValues>& experts, std::int64_t chosen,
              const ExpertActivation& activation);

// The share of the experts' weights that a step of `rows` rows reads, if every expert were as likely.
double expected_share(const NodeView& experts, double rows);

}  // namespace swiftlet::ops
