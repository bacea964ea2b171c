// The vector operations that generic/rows_vector.h and the attention of generic/ are written in: sixteen
// lanes. avx2/vec.h has the same names.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "swiftlet/kernels/avx512/math.h"

namespace swiftlet::kernels {
namespace {

namespace math = avx512;

using Vec = __m512;
using IntVec = __m512i;
using Mask = __mmask16;
constexpr int kLanes = 16;
constexpr int kTilePairs = 8;  // rows of a register tile of 2 vectors each: 16 of 32 registers accumulate

inline Vec splat(float x) {
  return _mm512_set1_ps(x);
}
inline Vec zero() {
  return _mm512_setzero_ps();
}
inline Vec load(const float* p) {
  return _mm512_loadu_ps(p);
}
inline void store(float* p, Vec x) {
  _mm512_storeu_ps(p, x);
}
// Words of two bf16, each the upper half of an f32.
inline IntVec load_words(const std::uint32_t* p) {
  return _mm512_loadu_si512(p);
}
inline Vec low_halves(IntVec words) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(words, 16));
}
inline Vec high_halves(IntVec words) {
  return _mm512_castsi512_ps(_mm512_and_si512(words, _mm512_set1_epi32(-0x10000)));
}
inline Vec load(const std::int8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}

inline Mask first_lanes(std::int64_t count) {
  return static_cast<Mask>(count >= kLanes ? 0xffffu : (1u << count) - 1u);
}
// The first `count` lanes, 0 < count < kLanes; the others are zero. No byte behind them is touched.
inline Vec load_part(const float* p, std::int64_t count) {
  return _mm512_maskz_loadu_ps(first_lanes(count), p);
}
inline IntVec load_words_part(const std::uint32_t* p, std::int64_t count) {
  return _mm512_maskz_loadu_epi32(first_lanes(count), p);
}
inline Vec load_part(const std::int8_t* p, std::int64_t count) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(first_lanes(count), p)));
}
inline void store_part(float* p, std::int64_t count, Vec x) {
  _mm512_mask_storeu_ps(p, first_lanes(count), x);
}

inline Vec add(Vec a, Vec b) {
  return _mm512_add_ps(a, b);
}
inline Vec sub(Vec a, Vec b) {
  return _mm512_sub_ps(a, b);
}
inline Vec mul(Vec a, Vec b) {
  return _mm512_mul_ps(a, b);
}
inline Vec div(Vec a, Vec b) {
  return _mm512_div_ps(a, b);
}
// a * b + c, c - a * b
inline Vec fma(Vec a, Vec b, Vec c) {
  return _mm512_fmadd_ps(a, b, c);
}
inline Vec fnma(Vec a, Vec b, Vec c) {
  return _mm512_fnmadd_ps(a, b, c);
}
// Where x is NaN or the two are equal, the result is `running`.
inline Vec max_over(Vec x, Vec running) {
  return _mm512_max_ps(x, running);
}
inline Vec abs(Vec x) {
  return _mm512_abs_ps(x);
}
inline Vec round(Vec x) {
  return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline IntVec to_int(Vec x) {
  return _mm512_cvtps_epi32(x);
}
// x * 2^n for an integral n; rounds once where the result is subnormal.
inline Vec times_power_of_two(Vec x, Vec n) {
  return _mm512_scalef_ps(x, n);
}

inline Mask greater(Vec a, Vec b) {
  return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
}
inline Mask is_nan(Vec x) {
  return _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
}
inline Mask either(Mask a, Mask b) {
  return static_cast<Mask>(a | b);
}
// Lanes whose bit `bit` (1, 2, ...) is set.
inline Mask has_bit(IntVec x, int bit) {
  return _mm512_test_epi32_mask(x, _mm512_set1_epi32(bit));
}
// Lanes l with begin <= l < end.
inline Mask lanes_between(std::int64_t begin, std::int64_t end) {
  return static_cast<Mask>(first_lanes(end < 0 ? 0 : end) & ~first_lanes(begin < 0 ? 0 : begin));
}
inline Vec select(Mask mask, Vec yes, Vec no) {
  return _mm512_mask_blend_ps(mask, no, yes);
}
inline Vec negate_where(Mask mask, Vec x) {
  return _mm512_mask_sub_ps(x, mask, _mm512_set1_ps(-0.0f), x);
}
inline IntVec plus_one(IntVec x) {
  return _mm512_add_epi32(x, _mm512_set1_epi32(1));
}

inline float reduce_add(Vec x) {
  const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
  const __m128 quarter = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  const __m128 pair = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)));
}
inline float reduce_max(Vec x) {
  const __m256 half = _mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
  const __m128 quarter = _mm_max_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  const __m128 pair = _mm_max_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_max_ss(pair, _mm_movehdup_ps(pair)));
}

inline float first_lane(Vec x) {
  return _mm512_cvtss_f32(x);
}
inline Vec iota() {
  return _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
// (a0, a0, a1, a1, ...) of eight floats; (a1, a0, a3, a2, ...).
inline Vec load_twice(const float* p) {
  const __m512i index = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
  return _mm512_permutexvar_ps(index, _mm512_castps256_ps512(_mm256_loadu_ps(p)));
}
inline Vec swap_neighbours(Vec x) {
  return _mm512_permute_ps(x, 0xB1);
}

// Four elements of each of kLanes rows -> four vectors of one element of all rows, at y + i * ldy.
// row(l) points to the four elements of row l.
template <class Row>
inline void transpose_four(Row row, float* y, std::int64_t ldy) {
  Vec rows[4];
  for (int i = 0; i < 4; ++i) {  // 128-bit lane L of rows[i] holds row 4 L + i
    rows[i] = _mm512_castps128_ps512(_mm_loadu_ps(row(i)));
    rows[i] = _mm512_insertf32x4(rows[i], _mm_loadu_ps(row(4 + i)), 1);
    rows[i] = _mm512_insertf32x4(rows[i], _mm_loadu_ps(row(8 + i)), 2);
    rows[i] = _mm512_insertf32x4(rows[i], _mm_loadu_ps(row(12 + i)), 3);
  }
  const __m512d a = _mm512_castps_pd(_mm512_unpacklo_ps(rows[0], rows[1]));
  const __m512d b = _mm512_castps_pd(_mm512_unpacklo_ps(rows[2], rows[3]));
  const __m512d c = _mm512_castps_pd(_mm512_unpackhi_ps(rows[0], rows[1]));
  const __m512d d = _mm512_castps_pd(_mm512_unpackhi_ps(rows[2], rows[3]));
  store(y, _mm512_castpd_ps(_mm512_unpacklo_pd(a, b)));
  store(y + ldy, _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
  store(y + 2 * ldy, _mm512_castpd_ps(_mm512_unpacklo_pd(c, d)));
  store(y + 3 * ldy, _mm512_castpd_ps(_mm512_unpackhi_pd(c, d)));
}

}  // namespace
}  // namespace swiftlet::kernels
