// Vector math: exp, tanh, the activations. Eight lanes; NaN stays NaN. The same formulas and errors as
// avx512/math.h.
#pragma once

#include <immintrin.h>

#include "swiftlet/kernels/linear.h"
#include "swiftlet/kernels/math_tables.h"

namespace swiftlet::kernels {
namespace {
namespace avx2 {

using V = __m256;

inline V set(float value) {
  return _mm256_set1_ps(value);
}
inline V absolute(V x) {
  return _mm256_andnot_ps(set(-0.0f), x);
}

// 2^n for integral n within ±252, as a product so that neither overflow nor underflow comes early.
inline V times_power(V x, V n) {
  const __m256i whole = _mm256_cvtps_epi32(n);
  const __m256i half = _mm256_srai_epi32(whole, 1);
  const __m256i rest = _mm256_sub_epi32(whole, half);
  const __m256i bias = _mm256_set1_epi32(127);
  const V a = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
  const V b = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23));
  return _mm256_mul_ps(_mm256_mul_ps(x, a), b);
}

// x = n ln(2) + r; beyond ±128 e^x is 0 or infinity all the same.
struct Reduced {
  V n, r;
};
inline Reduced reduce(V x) {
  x = _mm256_max_ps(set(-128.0f), _mm256_min_ps(set(128.0f), x));  // NaN is the second operand: it stays
  const V n = _mm256_round_ps(_mm256_mul_ps(x, set(kLog2E)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  return {n, _mm256_fnmadd_ps(n, set(kLn2Low), _mm256_fnmadd_ps(n, set(kLn2High), x))};
}

// e^r - 1 on |r| <= ln(2) / 2.
inline V exp_minus_one(V r) {
  V p = set(kExp[4]);
  p = _mm256_fmadd_ps(p, r, set(kExp[3]));
  p = _mm256_fmadd_ps(p, r, set(kExp[2]));
  p = _mm256_fmadd_ps(p, r, set(kExp[1]));
  p = _mm256_fmadd_ps(p, r, set(kExp[0]));
  return _mm256_fmadd_ps(_mm256_mul_ps(r, r), p, r);
}

inline V exp(V x) {
  const Reduced e = reduce(x);
  return times_power(_mm256_add_ps(exp_minus_one(e.r), set(1.0f)), e.n);
}

// tanh |x| = -t / (t + 2) with t = e^(-2|x|) - 1, formed without cancellation.
inline V tanh(V x) {
  const V sign = _mm256_and_ps(x, set(-0.0f));
  const Reduced e = reduce(_mm256_mul_ps(absolute(x), set(-2.0f)));
  const V power = times_power(set(1.0f), e.n);
  const V t = _mm256_fmadd_ps(power, exp_minus_one(e.r), _mm256_sub_ps(power, set(1.0f)));
  const V y = _mm256_div_ps(t, _mm256_sub_ps(set(-2.0f), t));
  return _mm256_or_ps(absolute(y), sign);
}

inline V sigmoid(V x) {
  return _mm256_div_ps(set(1.0f), _mm256_add_ps(set(1.0f), exp(_mm256_sub_ps(_mm256_setzero_ps(), x))));
}
inline V silu(V x) {
  return _mm256_div_ps(x, _mm256_add_ps(set(1.0f), exp(_mm256_sub_ps(_mm256_setzero_ps(), x))));
}

inline V relu(V x) {
  return _mm256_max_ps(_mm256_setzero_ps(), x);
}

// table[interval] of sixteen entries.
inline V look_up(const float* table, __m256i interval, V upper_half) {
  return _mm256_blendv_ps(_mm256_permutevar8x32_ps(_mm256_load_ps(table), interval),
                          _mm256_permutevar8x32_ps(_mm256_load_ps(table + 8), interval), upper_half);
}

inline V gelu(V x) {
  const V a = absolute(x);
  const V scaled = _mm256_mul_ps(a, set(kGeluIntervals));
  const __m256i interval = _mm256_cvttps_epi32(scaled);
  const V upper_half = _mm256_castsi256_ps(_mm256_slli_epi32(interval, 28));  // bit 3 becomes the sign
  const V u = _mm256_sub_ps(scaled, _mm256_cvtepi32_ps(interval));
  V g = look_up(kGelu[kGeluDegree], interval, upper_half);
  for (int j = kGeluDegree - 1; j >= 0; --j)
    g = _mm256_fmadd_ps(g, u, look_up(kGelu[j], interval, upper_half));
  const V near = _mm256_cmp_ps(a, set(kGeluEnd), _CMP_NGE_UQ);
  return _mm256_sub_ps(relu(x), _mm256_and_ps(near, g));
}

// 0.5 x (1 + tanh z) = x / (1 + e^-2z) with z = sqrt(2 / pi) (x + 0.044715 x^3).
inline V gelu_tanh(V x) {
  const V square = _mm256_mul_ps(x, x);
  const V slope = _mm256_fmadd_ps(square, set(-2.0f * 0.79788456f * 0.044715f), set(-2.0f * 0.79788456f));
  const V e = exp(_mm256_mul_ps(x, slope));
  return _mm256_div_ps(x, _mm256_add_ps(set(1.0f), e));
}

// The tail of a row: the first `count` (0..8 and beyond) lanes.
inline __m256i lanes(std::int64_t count) {
  const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const int limit = count > 8 ? 8 : count < 0 ? 0 : static_cast<int>(count);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(limit), index);
}

// y[i] = f(x[i]) over a row.
template <class F>
inline void map_row(const float* x, float* y, std::int64_t n, F f) {
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) _mm256_storeu_ps(y + i, f(_mm256_loadu_ps(x + i)));
  if (i < n) {
    const __m256i tail = lanes(n - i);
    _mm256_maskstore_ps(y + i, tail, f(_mm256_maskload_ps(x + i, tail)));
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

}  // namespace avx2
}  // namespace
}  // namespace swiftlet::kernels
