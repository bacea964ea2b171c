// Tiles of int8 products with eight lanes: x as codes, groups, scales and what is stored. Included by the
// files that bring the dot products: avx2/linear_int8.cpp and avxvnni/linear_int8.h.
//
// A Codes is how the codes of a weight meet those of x: the zero point of symmetric weights, what its step
// takes off the codes (kOffset), the columns of a step, and step(tile, panels, offset in them, words of x).
//
//   R rows of a tile   H halves of panels of a tile
#pragma once

#include "swiftlet/encoding/int4.h"
#include "swiftlet/encoding/int8.h"
#include "swiftlet/kernels/avx2/tile.h"
#include "swiftlet/kernels/generic/inner_loop.h"
#include "swiftlet/kernels/generic/int8_job.h"
#include "swiftlet/kernels/generic/prepare.h"

namespace swiftlet::kernels {
namespace {
namespace avx2 {

bool supports(const Encoding& encoding) noexcept {
  return encoding.format == Format::kInt8 || encoding.format == Format::kInt4;
}

inline std::int32_t reduce_add(__m256i v) {
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1)));
}
inline std::int32_t reduce_max(__m256i v) {
  __m128i most = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  most = _mm_max_epi32(most, _mm_shuffle_epi32(most, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(most, _mm_shuffle_epi32(most, 0xb1)));
}

std::int32_t largest_magnitude(const float* x, std::int64_t k) {
  const V sign = set(-0.0f);
  __m256i most = _mm256_setzero_si256();
  for (std::int64_t c = 0; c < k; c += 8)
    most = _mm256_max_epi32(most, _mm256_castps_si256(_mm256_andnot_ps(sign, load_lanes(x + c, k - c))));
  return reduce_max(most);
}

// Rounds x * inverse to codes within ±127 and sums them.
struct ConvertInt8 {
  static constexpr int kColumns = 8, kWords = 2;
  V inverse;
  __m256i sum = _mm256_setzero_si256();

  void store(const float* x, std::int64_t count, std::uint32_t* words) {
    const __m256i codes = _mm256_cvtps_epi32(_mm256_mul_ps(load_lanes(x, count), inverse));
    sum = _mm256_add_epi32(sum, codes);
    const __m128i shorts = _mm_packs_epi32(_mm256_castsi256_si128(codes), _mm256_extracti128_si256(codes, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(words), _mm_packs_epi16(shorts, shorts));
  }
  std::int32_t take_sum() {
    const std::int32_t total = reduce_add(sum);
    sum = _mm256_setzero_si256();
    return total;
  }
};

void prepare(const PreparedRows& p, const float* x, std::int64_t ldx, Range tiles) noexcept {
  for_rows(p, tiles, [&](std::int64_t row, std::uint32_t* words, std::int64_t stride, std::int32_t* sums) {
    const float* from = x + row * ldx;
    const RowScale scale = row_scale(largest_magnitude(from, p.k));
    p.scales[row] = scale.scale;
    if (scale.inverse == 0) return clear_row(p, words, stride, sums);
    ConvertInt8 convert{set(scale.inverse)};
    prepare_row(p, from, convert, words, stride,
                [&](std::int64_t g) { sums[g * stride] = convert.take_sum(); });
  });
}

// The sums of a group start from minus the zero points' share.
template <class Codes, int R, int H>
[[gnu::always_inline]] inline void start_group(Tile<__m256i, R, H>& tile, const Int8Job& job,
                                               const Pointers<H>& zero_points, std::int64_t group) {
  const std::int32_t* sums = job.sums + group * R;
  if (job.weight->zero_points == nullptr) {
    for_tile(
        tile, [&](__m256i & acc, int r, int) __attribute__((always_inline)) {
          acc = _mm256_set1_epi32((Codes::kOffset - Codes::kZeroPoint) * sums[r]);
        });
    return;
  }
  Words<H> zero;
  for_both(
      zero, zero_points, [&](__m256i & z, const std::byte* at, int) __attribute__((always_inline)) {
        z = _mm256_sub_epi32(load_zero_points(at + group * kPanelRows), _mm256_set1_epi32(Codes::kOffset));
      });
  for_tile_with(
      tile, zero, [&](__m256i & acc, const __m256i& z, int r, int) __attribute__((always_inline)) {
        acc = _mm256_mullo_epi32(z, _mm256_set1_epi32(-sums[r]));
      });
}

// total += f32(sums) * scale of the half.
template <int H>
[[gnu::always_inline]] inline void add_scaled(PerPanel<V, H>& total, const PerPanel<__m256i, H>& sums,
                                              const PerPanel<V, H>& scales) {
  if constexpr (H > 0) {
    add_scaled(total.before, sums.before, scales.before);
    total.last = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums.last), scales.last, total.last);
  }
}
template <int R, int H>
[[gnu::always_inline]] inline void add_scaled(Tile<V, R, H>& total, const Tile<__m256i, R, H>& sums,
                                              const PerPanel<V, H>& scales) {
  if constexpr (R > 0) {
    add_scaled(total.before, sums.before, scales);
    add_scaled(total.row, sums.row, scales);
  }
}

// Where the halves of a job's panels lie.
template <int H>
struct HalvesAt {
  Pointers<H> codes, scales, zero_points;
};

template <int H>
inline HalvesAt<H> halves_at(const PanelView& w, std::int64_t panel, std::int64_t left) {
  const std::int64_t lanes_of_panel = w.geometry.groups * kPanelRows, bytes = w.geometry.scale_bytes;
  const std::int64_t code_stride = w.geometry.panel_code_bytes, scale_stride = lanes_of_panel * bytes;
  HalvesAt<H> at;
  at.codes = half_pointers<H>(w.codes + panel * code_stride, code_stride, left, 32);
  at.scales = half_pointers<H>(w.scales + panel * scale_stride, scale_stride, left, 8 * bytes);
  const auto* zero_points = reinterpret_cast<const std::byte*>(w.zero_points);
  if (zero_points != nullptr)
    at.zero_points = half_pointers<H>(zero_points + panel * lanes_of_panel, lanes_of_panel, left, 8);
  else
    at.zero_points = at.codes;  // not read
  return at;
}

template <int R, int H>
[[gnu::always_inline]] inline void store(Tile<V, R, H>& total, const Int8Job& job) {
  for_tile(
      total, [&](V & sum, int r, int h) __attribute__((always_inline)) {
        const std::int64_t left = job.channels - h * 8;
        const V bias = job.bias == nullptr ? _mm256_setzero_ps() : load_lanes(job.bias + h * 8, left);
        store_lanes(job.y + r * job.ldy + h * 8, left, _mm256_fmadd_ps(sum, set(job.scales[r]), bias));
      });
}

template <class Codes, int R, int H>
void run_tile(const Int8Job& job) {
  const PanelGeometry& g = job.weight->geometry;
  const HalvesAt<H> at = halves_at<H>(*job.weight, job.panel, job.panels_left);
  const bool half_scales = g.scale_bytes == 2;
  const std::uint32_t* x = job.words;
  std::int64_t offset = 0;
  Tile<V, R, H> total;
  for_tile(
      total, [](V & sum, int, int) __attribute__((always_inline)) { sum = _mm256_setzero_ps(); });
  for (std::int64_t group = 0; group < g.groups; ++group) {
    const std::int64_t end = group + 1 < g.groups ? (group + 1) * g.padded_group : g.padded_k;
    Tile<__m256i, R, H> tile;
    start_group<Codes>(tile, job, at.zero_points, group);
    for (std::int64_t c = group * g.padded_group; c < end; c += Codes::kColumnsPerStep) {
      mark_inner_loop();
      Codes::template step<R, H>(tile, at.codes, offset, x);
      offset += 64;
      x += Codes::kColumnsPerStep / 4 * R;
    }
    PerPanel<V, H> scales;
    for_both(
        scales, at.scales, [&](V & scale, const std::byte* from, int) __attribute__((always_inline)) {
          scale = load_scales(from + group * kPanelRows * g.scale_bytes, half_scales);
        });
    add_scaled(total, tile, scales);
  }
  store(total, job);
}

}  // namespace avx2
}  // namespace
}  // namespace swiftlet::kernels
