// The vector operations that generic/rows_vector.h and the attention of generic/ are written in: eight
// lanes. avx512/vec.h has the same names.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "swiftlet/kernels/avx2/math.h"

namespace swiftlet::kernels {
namespace {

namespace math = avx2;

using Vec = __m256;
using IntVec = __m256i;
using Mask = __m256;  // all bits of a lane
constexpr int kLanes = 8;
constexpr int kTilePairs = 6;  // rows of a register tile of 2 vectors each: 12 of 16 registers accumulate

inline Vec splat(float x) {
  return _mm256_set1_ps(x);
}
inline Vec zero() {
  return _mm256_setzero_ps();
}
inline Vec load(const float* p) {
  return _mm256_loadu_ps(p);
}
inline void store(float* p, Vec x) {
  _mm256_storeu_ps(p, x);
}
// Words of two bf16, each the upper half of an f32.
inline IntVec load_words(const std::uint32_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
inline Vec low_halves(IntVec words) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(words, 16));
}
// By two shifts, which the compiler may not join: a mask would take one of sixteen registers.
inline Vec high_halves(IntVec words) {
  IntVec low = _mm256_srli_epi32(words, 16);
  __asm__("" : "+x"(low));
  return low_halves(low);
}
inline Vec load(const std::int8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}

inline IntVec lane_numbers() {
  return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
}
inline IntVec first_lanes(std::int64_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane_numbers());
}
// The first `count` lanes, 0 < count < kLanes; the others are zero. No byte behind them is touched.
inline Vec load_part(const float* p, std::int64_t count) {
  return _mm256_maskload_ps(p, first_lanes(count));
}
inline IntVec load_words_part(const std::uint32_t* p, std::int64_t count) {
  return _mm256_maskload_epi32(reinterpret_cast<const int*>(p), first_lanes(count));
}
inline Vec load_part(const std::int8_t* p, std::int64_t count) {
  std::int8_t part[kLanes] = {};
  for (std::int64_t i = 0; i < count; ++i) part[i] = p[i];
  return load(part);
}
inline void store_part(float* p, std::int64_t count, Vec x) {
  _mm256_maskstore_ps(p, first_lanes(count), x);
}

inline Vec add(Vec a, Vec b) {
  return _mm256_add_ps(a, b);
}
inline Vec sub(Vec a, Vec b) {
  return _mm256_sub_ps(a, b);
}
inline Vec mul(Vec a, Vec b) {
  return _mm256_mul_ps(a, b);
}
inline Vec div(Vec a, Vec b) {
  return _mm256_div_ps(a, b);
}
// a * b + c, c - a * b
inline Vec fma(Vec a, Vec b, Vec c) {
  return _mm256_fmadd_ps(a, b, c);
}
inline Vec fnma(Vec a, Vec b, Vec c) {
  return _mm256_fnmadd_ps(a, b, c);
}
// Where x is NaN or the two are equal, the result is `running`.
inline Vec max_over(Vec x, Vec running) {
  return _mm256_max_ps(x, running);
}
inline Vec abs(Vec x) {
  return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}
inline Vec round(Vec x) {
  return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline IntVec to_int(Vec x) {
  return _mm256_cvtps_epi32(x);
}
// x * 2^n for an integral n in [-250, 250]: in two steps, since one power may be beyond the normal range.
inline Vec times_power_of_two(Vec x, Vec n) {
  const IntVec whole = to_int(n);
  const IntVec half = _mm256_srai_epi32(whole, 1);
  const IntVec bias = _mm256_set1_epi32(127);
  const Vec first = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
  const IntVec rest = _mm256_add_epi32(_mm256_sub_epi32(whole, half), bias);
  return mul(mul(x, first), _mm256_castsi256_ps(_mm256_slli_epi32(rest, 23)));
}

inline Mask greater(Vec a, Vec b) {
  return _mm256_cmp_ps(a, b, _CMP_GT_OQ);
}
inline Mask is_nan(Vec x) {
  return _mm256_cmp_ps(x, x, _CMP_UNORD_Q);
}
inline Mask either(Mask a, Mask b) {
  return _mm256_or_ps(a, b);
}
// Lanes whose bit `bit` (1, 2, ...) is set.
inline Mask has_bit(IntVec x, int bit) {
  const IntVec wanted = _mm256_set1_epi32(bit);
  return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(x, wanted), wanted));
}
// Lanes l with begin <= l < end.
inline Mask lanes_between(std::int64_t begin, std::int64_t end) {
  return _mm256_castsi256_ps(_mm256_andnot_si256(first_lanes(begin), first_lanes(end)));
}
inline Vec select(Mask mask, Vec yes, Vec no) {
  return _mm256_blendv_ps(no, yes, mask);
}
inline Vec negate_where(Mask mask, Vec x) {
  return _mm256_xor_ps(x, _mm256_and_ps(mask, _mm256_set1_ps(-0.0f)));
}
inline IntVec plus_one(IntVec x) {
  return _mm256_add_epi32(x, _mm256_set1_epi32(1));
}

inline float reduce_add(Vec x) {
  const __m128 quarter = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  const __m128 pair = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)));
}
inline float reduce_max(Vec x) {
  const __m128 quarter = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  const __m128 pair = _mm_max_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_max_ss(pair, _mm_movehdup_ps(pair)));
}

inline float first_lane(Vec x) {
  return _mm256_cvtss_f32(x);
}
inline Vec iota() {
  return _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7);
}
// (a0, a0, a1, a1, ...) of four floats; (a1, a0, a3, a2, ...).
inline Vec load_twice(const float* p) {
  const Vec four = _mm256_castps128_ps256(_mm_loadu_ps(p));
  return _mm256_permutevar8x32_ps(four, _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3));
}
inline Vec swap_neighbours(Vec x) {
  return _mm256_permute_ps(x, 0xB1);
}

// Four elements of each of kLanes rows -> four vectors of one element of all rows, at y + i * ldy.
// row(l) points to the four elements of row l.
template <class Row>
inline void transpose_four(Row row, float* y, std::int64_t ldy) {
  Vec rows[4];
  for (int i = 0; i < 4; ++i)  // 128-bit lane L of rows[i] holds row 4 L + i
    rows[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(row(i))), _mm_loadu_ps(row(4 + i)), 1);
  const __m256d a = _mm256_castps_pd(_mm256_unpacklo_ps(rows[0], rows[1]));
  const __m256d b = _mm256_castps_pd(_mm256_unpacklo_ps(rows[2], rows[3]));
  const __m256d c = _mm256_castps_pd(_mm256_unpackhi_ps(rows[0], rows[1]));
  const __m256d d = _mm256_castps_pd(_mm256_unpackhi_ps(rows[2], rows[3]));
  store(y, _mm256_castpd_ps(_mm256_unpacklo_pd(a, b)));
  store(y + ldy, _mm256_castpd_ps(_mm256_unpackhi_pd(a, b)));
  store(y + 2 * ldy, _mm256_castpd_ps(_mm256_unpacklo_pd(c, d)));
  store(y + 3 * ldy, _mm256_castpd_ps(_mm256_unpackhi_pd(c, d)));
}

}  // namespace
}  // namespace swiftlet::kernels
