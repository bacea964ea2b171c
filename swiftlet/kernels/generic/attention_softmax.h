// What the kernels of attention in f32 and in bf16 share: adjusting scores, the exponential.
// Over the vectors of <isa>/vec.h, which the including file includes before this one.
#pragma once

#include "swiftlet/kernels/generic/attention_parts.h"

namespace swiftlet::kernels {
namespace {

constexpr float kNothing = -__builtin_inff();

// Scores are kept in units of log 2, and exponentials taken to base 2: with the unit folded into the scale,
// that saves a quarter of the softmax.
constexpr float kLog2OfE = 1.44269504f, kLogOf2 = 0.693147181f;

// Powers of two below 2^kLowest count as 0. They are nothing beside the largest, which is 1, and to compute a
// subnormal number, even one that rounds to zero, costs the processor a hundred cycles.
constexpr float kLowest = -125.0f;

// 2^x for x <= 0: relative error 1e-7; -inf gives 0, NaN stays. A minimax fit on [-1/2, 1/2].
inline Vec power_of_two(Vec x) {
  const Mask vanishes = greater(splat(kLowest), x);
  x = max_over(splat(kLowest), x);
  const Vec n = round(x);
  const Vec r = sub(x, n);
  Vec p = fma(splat(1.53533416e-4f), r, splat(1.33989006e-3f));
  p = fma(p, r, splat(9.61843785e-3f));
  p = fma(p, r, splat(5.55033237e-2f));
  p = fma(p, r, splat(2.40226477e-1f));
  p = fma(p, r, splat(6.93147182e-1f));
  return select(vanishes, zero(), times_power_of_two(fma(p, r, splat(1.0f)), n));
}

inline bool adjusts_scores(const AttentionSpec& spec) {
  // A factor that is not positive would not keep the order of the scores.
  return spec.soft_cap > 0 || spec.alibi || spec.relative_bias == RelativeBias::kT5 || !(spec.scale > 0);
}

// Products q.k -> scores in units of log 2, with all that the spec asks. `distance` is key position - query
// position of the vector's first lane.
inline Vec adjust_score(const AttentionArgs& args, std::int64_t head, std::int64_t distance, Vec score) {
  const AttentionSpec& spec = args.spec;
  score = mul(score, splat(spec.scale));
  if (spec.soft_cap > 0) score = mul(splat(spec.soft_cap), math::tanh(div(score, splat(spec.soft_cap))));
  if (spec.alibi) {
    const Vec distances = add(iota(), splat(static_cast<float>(distance)));
    score = fnma(splat(args.alibi_slopes[head]), abs(distances), score);
  }
  if (spec.relative_bias == RelativeBias::kT5) {
    const std::int64_t extent = args.bias_extent, width = 2 * extent - 1;
    const float* table = args.bias + head * width;
    float bias[kLanes];
    for (int l = 0; l < kLanes; ++l)
      bias[l] = table[smaller(larger(distance + l + extent - 1, 0), width - 1)];
    score = add(score, load(bias));
  }
  return mul(score, splat(kLog2OfE));
}

// A factor that turns products q.k, adjusted if need be, into scores in units of log 2.
inline float score_unit(const AttentionSpec& spec) {
  return adjusts_scores(spec) ? 1.0f : spec.scale * kLog2OfE;
}

}  // namespace
}  // namespace swiftlet::kernels
