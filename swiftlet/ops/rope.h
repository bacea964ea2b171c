// rope(x [tokens, H * D], positions i32 [tokens]): rotary position embedding (Su et al., RoFormer, 2021).
#pragma once

#include <algorithm>
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
  // LongRoPE (Ding et al., 2024): sequences of more than short_context tokens turn by these instead, all of
  // their positions. Empty: none do.
  std::vector<double> long_inverse_frequencies;
  std::int64_t short_context = 0;
};

extern const OpSchema kRope;

// What a kernel needs of the attributes of a rope over `width` columns; the caller sets rows, positions and
// pointers, the frequencies too.
kernels::RopeArgs rope_args(const Attributes& attributes, std::int64_t width);

// The attributes that say how x turns, from one op that has them to another.
void copy_rope_attributes(const Attributes& from, Attributes& to);

// By what the rows of a step turn: lists in f32 for the kernels, chosen by the length of the row's sequence.
class RopeFrequencies {
 public:
  // Of a node with the attributes of a rope whose rows are those of `dim`.
  static RopeFrequencies of(LowerContext& context, const Attributes& attributes, const Dim& dim);

  // Calls turn(begin, end, frequencies) for parts of the rows begin..end that turn alike.
  template <class Turn>
  void for_parts(const ExecContext& context, std::int64_t begin, std::int64_t end, const Turn& turn) const {
    if (extended_.empty()) return turn(begin, end, usual_.data());
    const auto segments = context.batch->axes[static_cast<std::size_t>(axis_)].segments;
    auto segment = std::partition_point(segments.begin(), segments.end(),
                                        [=](const kernels::Segment& s) { return s.query_end <= begin; });
    for (; begin < end; ++segment) {
      const std::int64_t last = std::min<std::int64_t>(end, segment->query_end);
      const bool is_long = std::max(segment->keys, segment->length) > short_context_;
      turn(begin, last, (is_long ? extended_ : usual_).data());
      begin = last;
    }
  }

 private:
  std::vector<float> usual_, extended_;
  std::int64_t short_context_ = 0;
  std::int32_t axis_ = 0;
};

Value rope(Value x, Value positions, const RopeSpec& spec);

// theta^(-2i/d) for i < d/2, in float32 as the reference computes it.
std::vector<double> default_inverse_frequencies(double theta, std::int64_t rotary_dim);

}  // namespace swiftlet::ops
