// Sine and cosine over the vectors of <isa>/vec.h, which the including file includes first. The polynomials
// are minimax fits of relative error (iteratively reweighted least squares).
#pragma once

namespace swiftlet::kernels {
namespace {

constexpr float kLargestAngle = 4194304.0f;

struct SineCosine {
  Vec sine, cosine;
};

// |x| <= kLargestAngle. x is reduced by multiples of pi/2 in two parts with fused multiply-adds: the first
// step is exact (n * high has 46 bits, x - n * high fewer than 24), so the error is that of the polynomials,
// 1e-7.
inline SineCosine sine_cosine(Vec x) {
  const Vec n = round(mul(x, splat(0.636619772f)));
  const Vec r = fnma(n, splat(-4.37113883e-8f), fnma(n, splat(1.57079637f), x));
  const Vec square = mul(r, r);
  Vec s = fma(square, splat(-1.95142862e-4f), splat(8.33215355e-3f));
  s = fma(s, square, splat(-1.66666545e-1f));
  s = fma(mul(s, square), r, r);
  Vec c = fma(square, splat(2.44320180e-5f), splat(-1.38873063e-3f));
  c = fma(c, square, splat(4.16666455e-2f));
  c = fma(mul(c, square), square, fnma(square, splat(0.5f), splat(1.0f)));
  const IntVec quadrant = to_int(n);
  const Mask odd = has_bit(quadrant, 1);
  return {negate_where(has_bit(quadrant, 2), select(odd, c, s)),
          negate_where(has_bit(plus_one(quadrant), 2), select(odd, s, c))};
}

}  // namespace
}  // namespace swiftlet::kernels
