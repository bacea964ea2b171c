// Vector math: exp, tanh, the activations. Sixteen lanes; NaN stays NaN.
//
// exp, tanh, sigmoid and silu err by about 2e-7 relative; gelu by 2e-8 absolute or 2e-7 relative, whichever
// is more. gelu looks its coefficients up by permutation, which is cheaper than a division and an
// exponential.
#pragma once

#include <immintrin.h>

#include "swiftlet/kernels/linear.h"
#include "swiftlet/kernels/math_tables.h"

namespace swiftlet::kernels {
namespace {
namespace avx512 {

using V = __m512;

inline V set(float value) {
  return _mm512_set1_ps(value);
}

// x = n ln(2) + r; beyond ±128 e^x is 0 or infinity all the same.
struct Reduced {
  V n, r;
};
inline Reduced reduce(V x) {
  x = _mm512_max_ps(set(-128.0f), _mm512_min_ps(set(128.0f), x));  // NaN is the second operand: it stays
  const V n =
      _mm512_roundscale_ps(_mm512_mul_ps(x, set(kLog2E)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  return {n, _mm512_fnmadd_ps(n, set(kLn2Low), _mm512_fnmadd_ps(n, set(kLn2High), x))};
}

// e^r - 1 on |r| <= ln(2) / 2.
inline V exp_minus_one(V r) {
  V p = set(kExp[4]);
  p = _mm512_fmadd_ps(p, r, set(kExp[3]));
  p = _mm512_fmadd_ps(p, r, set(kExp[2]));
  p = _mm512_fmadd_ps(p, r, set(kExp[1]));
  p = _mm512_fmadd_ps(p, r, set(kExp[0]));
  return _mm512_fmadd_ps(_mm512_mul_ps(r, r), p, r);
}

inline V exp(V x) {
  const Reduced e = reduce(x);
  return _mm512_scalef_ps(_mm512_add_ps(exp_minus_one(e.r), set(1.0f)), e.n);
}

// tanh |x| = -t / (t + 2) with t = e^(-2|x|) - 1, formed without cancellation.
inline V tanh(V x) {
  const V sign = _mm512_and_ps(x, set(-0.0f));
  const Reduced e = reduce(_mm512_mul_ps(_mm512_abs_ps(x), set(-2.0f)));
  const V power = _mm512_scalef_ps(set(1.0f), e.n);
  const V t = _mm512_fmadd_ps(power, exp_minus_one(e.r), _mm512_sub_ps(power, set(1.0f)));
  const V y = _mm512_div_ps(t, _mm512_sub_ps(set(-2.0f), t));
  return _mm512_or_ps(_mm512_andnot_ps(set(-0.0f), y), sign);
}

inline V sigmoid(V x) {
  return _mm512_div_ps(set(1.0f), _mm512_add_ps(set(1.0f), exp(_mm512_sub_ps(_mm512_setzero_ps(), x))));
}
inline V silu(V x) {
  return _mm512_div_ps(x, _mm512_add_ps(set(1.0f), exp(_mm512_sub_ps(_mm512_setzero_ps(), x))));
}

inline V relu(V x) {
  return _mm512_max_ps(_mm512_setzero_ps(), x);
}

inline V gelu(V x) {
  const V a = _mm512_abs_ps(x);
  const V scaled = _mm512_mul_ps(a, set(kGeluIntervals));
  const __m512i interval = _mm512_cvttps_epi32(scaled);
  const V u = _mm512_sub_ps(scaled, _mm512_cvtepi32_ps(interval));
  V g = _mm512_permutexvar_ps(interval, _mm512_load_ps(kGelu[kGeluDegree]));
  for (int j = kGeluDegree - 1; j >= 0; --j)
    g = _mm512_fmadd_ps(g, u, _mm512_permutexvar_ps(interval, _mm512_load_ps(kGelu[j])));
  const __mmask16 near = _mm512_cmp_ps_mask(a, set(kGeluEnd), _CMP_NGE_UQ);
  const V positive = relu(x);
  return _mm512_mask_sub_ps(positive, near, positive, g);
}

// 0.5 x (1 + tanh z) = x / (1 + e^-2z) with z = sqrt(2 / pi) (x + 0.044715 x^3).
inline V gelu_tanh(V x) {
  const V square = _mm512_mul_ps(x, x);
  const V slope = _mm512_fmadd_ps(square, set(-2.0f * 0.79788456f * 0.044715f), set(-2.0f * 0.79788456f));
  const V e = exp(_mm512_mul_ps(x, slope));
  return _mm512_div_ps(x, _mm512_add_ps(set(1.0f), e));
}

// The tail of a row: the first `count` (1..16) lanes.
inline __mmask16 lanes(std::int64_t count) {
  return count >= 16 ? static_cast<__mmask16>(0xffff) : static_cast<__mmask16>((1u << count) - 1);
}

// y[i] = f(x[i]) over a row.
template <class F>
inline void map_row(const float* x, float* y, std::int64_t n, F f) {
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16) _mm512_storeu_ps(y + i, f(_mm512_loadu_ps(x + i)));
  if (i < n) {
    const __mmask16 tail = lanes(n - i);
    _mm512_mask_storeu_ps(y + i, tail, f(_mm512_maskz_loadu_ps(tail, x + i)));
  }
}

// The activation as a vector function: visit(activation, [](auto f) { ... f(v) ... }).
template <class Visitor>
inline void visit(Activation activation, Visitor visitor) {
  switch (activation) {
    case Activation::kNone:
      return visitor([](V v) { return v; });
    case Activation::kRelu:
      return visitor([](V v) { return relu(v); });
    case Activation::kGelu:
      return visitor([](V v) { return gelu(v); });
    case Activation::kGeluTanh:
      return visitor([](V v) { return gelu_tanh(v); });
    case Activation::kSilu:
      return visitor([](V v) { return silu(v); });
    case Activation::kTanh:
      return visitor([](V v) { return tanh(v); });
    case Activation::kSigmoid:
      return visitor([](V v) { return sigmoid(v); });
  }
}

}  // namespace avx512
}  // namespace
}  // namespace swiftlet::kernels
