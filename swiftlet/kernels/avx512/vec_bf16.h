// What generic/attention_rounded.h asks for beside vec.h: words of two bf16. For files compiled with
// AVX512_BF16. avx2/vec_bf16.h has the same names.
#pragma once

#include "swiftlet/kernels/avx512/vec.h"

namespace swiftlet::kernels {
namespace {

inline void store_words(std::uint32_t* p, IntVec words) {
  _mm512_storeu_si512(p, words);
}
// Rounds kLanes neighbouring halves.
inline void store_halves(std::uint32_t* p, Vec x) {
  const __m256bh halves = _mm512_cvtneps_pbh(x);
  __builtin_memcpy(p, &halves, sizeof halves);
}
// Of values that bf16 holds.
inline IntVec exact_words(Vec low, Vec high) {
  return _mm512_ternarylogic_epi32(_mm512_srli_epi32(_mm512_castps_si512(low), 16), _mm512_castps_si512(high),
                                   _mm512_set1_epi32(-0x10000), 0xF8);  // a|(b&c)
}
// To nearest, ties to even; NaN stays NaN.
inline IntVec rounded_words(Vec low, Vec high) {
  const auto halves = [](Vec x) {
    const __m256bh rounded = _mm512_cvtneps_pbh(x);
    __m256i bits;
    __builtin_memcpy(&bits, &rounded, sizeof bits);
    return _mm512_cvtepu16_epi32(bits);
  };
  return _mm512_or_si512(halves(low), _mm512_slli_epi32(halves(high), 16));
}

// 2^x for x <= 0: relative error 8e-5, a fiftieth of what rounding to bf16 may cost; 0 below 2^-125 (kLowest
// in generic/attention_softmax.h), NaN stays. A minimax fit on [0, 1].
inline Vec probability(Vec x) {
  const Vec r = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);  // x - floor(x)
  Vec p = fma(splat(0.0780245227f), r, splat(0.226067155f));
  p = fma(p, r, splat(0.695833541f));
  const Mask remains = _mm512_cmp_ps_mask(x, splat(-125.0f), _CMP_NLT_UQ);
  return _mm512_maskz_scalef_ps(remains, fma(p, r, splat(0.999925219f)), x);  // takes the floor of x
}
// Rounds to nearest, half up: for values that are not negative, or NaN with a payload of bf16.
inline IntVec pair_probabilities(Vec low, Vec high) {
  const IntVec half = _mm512_set1_epi32(0x8000);
  return _mm512_ternarylogic_epi32(_mm512_srli_epi32(_mm512_add_epi32(_mm512_castps_si512(low), half), 16),
                                   _mm512_add_epi32(_mm512_castps_si512(high), half),
                                   _mm512_set1_epi32(-0x10000), 0xF8);
}

inline IntVec splat_word(std::uint32_t word) {
  return _mm512_set1_epi32(static_cast<int>(word));
}
// sum + a.low * b.low + a.high * b.high
inline Vec dot(IntVec a, IntVec b, Vec sum) {
  __m512bh left, right;
  __builtin_memcpy(&left, &a, sizeof left);
  __builtin_memcpy(&right, &b, sizeof right);
  return _mm512_dpbf16_ps(sum, left, right);
}
inline Vec add_halves(Vec sum, IntVec words) {
  return dot(words, splat_word(0x3f803f80u), sum);
}

// Whether `count` words, a multiple of kLanes, hold neither infinity nor NaN.
inline bool are_finite(const std::uint32_t* words, std::int64_t count) {
  const IntVec exponent = _mm512_set1_epi16(0x7f80);
  __mmask32 found = 0;
  for (std::int64_t i = 0; i < count; i += kLanes)
    found |= _mm512_cmpeq_epi16_mask(_mm512_and_si512(load_words(words + i), exponent), exponent);
  return found == 0;
}

}  // namespace
}  // namespace swiftlet::kernels
