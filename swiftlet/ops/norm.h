// layer_norm (Ba, Kiros & Hinton 2016) and rms_norm (Zhang & Sennrich 2019) over the last dimension, and the
// fused forms with the residual addition before them: add_*_norm(x, residual, ..) -> (x + residual, norm of
// it).
#pragma once

#include "swiftlet/graph/op_schema.h"

namespace swiftlet::ops {

extern const OpSchema kLayerNorm;     // (x, gain, bias?) attribute eps, and heads as below
extern const OpSchema kRmsNorm;       // (x, gain) attributes eps, gain_offset, and heads as below
extern const OpSchema kAddLayerNorm;  // fused: (x, residual, gain, bias?) -> (sum, y)
extern const OpSchema kAddRmsNorm;    // fused: (x, residual, gain) -> (sum, y)

Value layer_norm(Value x, Value gain, Value bias, double eps);
Value rms_norm(Value x, Value gain, double eps, double gain_offset = 0);
// Queries and keys, each head of a row by itself: `norm` is kLayerNorm or kRmsNorm, the gain [D] for all
// heads or [heads, D]; a bias [D] beside the first only, of kLayerNorm.
Value normalize_heads(Value x, const OpSchema& norm, Value gain, std::int64_t heads, double eps,
                      double gain_offset = 0, Value bias = {});

}  // namespace swiftlet::ops
