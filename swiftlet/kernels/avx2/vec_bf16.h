// What generic/attention_rounded.h asks for beside vec.h: words of two bf16, by their bits. AVX2 has no
// products in bf16: these serve the model of the tiles that tests run. avx512/vec_bf16.h has the same names.
#pragma once

#include "swiftlet/kernels/avx2/vec.h"

namespace swiftlet::kernels {
namespace {

inline void store_words(std::uint32_t* p, IntVec words) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), words);
}
// Of values that bf16 holds.
inline IntVec exact_words(Vec low, Vec high) {
  return _mm256_or_si256(_mm256_srli_epi32(_mm256_castps_si256(low), 16),
                         _mm256_and_si256(_mm256_castps_si256(high), _mm256_set1_epi32(-0x10000)));
}
// To nearest, ties to even; NaN stays NaN. In the upper half, as an f32.
inline Vec rounded(Vec x) {
  const IntVec bits = _mm256_castps_si256(x);
  const IntVec odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const IntVec near = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const IntVec quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  const Vec chosen = select(is_nan(x), _mm256_castsi256_ps(quiet), _mm256_castsi256_ps(near));
  return high_halves(_mm256_castps_si256(chosen));
}
inline IntVec rounded_words(Vec low, Vec high) {
  return exact_words(rounded(low), rounded(high));
}
// Rounds kLanes neighbouring halves.
inline void store_halves(std::uint32_t* p, Vec x) {
  const IntVec wide = _mm256_srli_epi32(_mm256_castps_si256(rounded(x)), 16);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   _mm_packus_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1)));
}

// 2^x for x <= 0.
inline Vec probability(Vec x) {
  return math::exp(mul(x, splat(0.693147181f)));
}
inline IntVec pair_probabilities(Vec low, Vec high) {
  return rounded_words(low, high);
}
inline Vec add_halves(Vec sum, IntVec words) {
  return add(add(sum, low_halves(words)), high_halves(words));
}

// Whether `count` words, a multiple of kLanes, hold neither infinity nor NaN.
inline bool are_finite(const std::uint32_t* words, std::int64_t count) {
  const IntVec exponent = _mm256_set1_epi16(0x7f80);
  IntVec found = _mm256_setzero_si256();
  for (std::int64_t i = 0; i < count; i += kLanes)
    found = _mm256_or_si256(found,
                            _mm256_cmpeq_epi16(_mm256_and_si256(load_words(words + i), exponent), exponent));
  return _mm256_testz_si256(found, found) != 0;
}

}  // namespace
}  // namespace swiftlet::kernels
