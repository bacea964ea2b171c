// rope(x [tokens, H * D], positions i32 [tokens]): rotary position embedding (Su et al., RoFormer, 2021).
#pragma once

#include <vector>

#include "swiftlet/graph/op_schema.h"

namespace swiftlet::ops {

// What a family's config says about positions, the scaling of the rope type already applied to the
// frequencies.
struct RopeSpec {
  std::int64_t head_dim = 0;
  std::int64_t rotary_dim = 0;              // leading elements of a head that rotate
  bool interleaved = false;                 // pairs of neighbours instead of halves
  double attention_factor = 1;              // multiplies cos and sin (YaRN)
  std::vector<double> inverse_frequencies;  // [rotary_dim / 2]
};

extern const OpSchema kRope;

// What a kernel needs of the attributes of a rope over `width` columns; the caller sets rows, positions and
// pointers, the frequencies too.
kernels::RopeArgs rope_args(const Attributes& attributes, std::int64_t width);

Value rope(Value x, Value positions, const RopeSpec& spec);

// theta^(-2i/d) for i < d/2, in float32 as the reference computes it.
std::vector<double> default_inverse_frequencies(double theta, std::int64_t rotary_dim);

}  // namespace swiftlet::ops
