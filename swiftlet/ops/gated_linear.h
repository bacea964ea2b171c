// gated_linear(x [.., K], Wg [N, K], bias_g?, Wu [N, K], bias_u?) -> activation(x Wg^T + bias_g) * (x Wu^T +
// bias_u)
// [.., N]: the first half of SwiGLU and GeGLU (Shazeer 2020) without the two values in between. Fused;
// attribute activation: a name of activation_from_name, not empty. Both weights have one encoding.
#pragma once

#include "swiftlet/graph/op_schema.h"

namespace swiftlet::ops {

extern const OpSchema kGatedLinear;

}  // namespace swiftlet::ops
