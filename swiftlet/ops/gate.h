// gate(g, u) -> activation(g) * u: the middle of a gated feed-forward layer (SwiGLU, GeGLU; Shazeer 2020) in
// one pass over both.
#pragma once

#include "swiftlet/graph/op_schema.h"

namespace swiftlet::ops {

extern const OpSchema kGate;  // fused; attribute activation: a name of activation_from_name, not ""

}  // namespace swiftlet::ops
