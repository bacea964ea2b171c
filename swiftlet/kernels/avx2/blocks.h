// The registers of generic/block_products.h: eight lanes, a unit is half a panel. How products of bytes are
// added up is the affair of those who include this.
#pragma once

#include "swiftlet/kernels/avx2/tile.h"
#include "swiftlet/kernels/generic/block_products.h"

namespace swiftlet::kernels {
namespace {
namespace avx2 {

template <int kMask>
inline constexpr Constant kBytesAre = constant_of([](int) { return kMask; });
inline constexpr Constant kLowBytes = constant_of([](int i) { return i % 4 == 0 ? 255 : 0; });

struct BlockLanes {
  static constexpr int kPerPanel = 2, kLanes = 8;
  static constexpr int kMostRows = 4;
  static constexpr int units(int rows) { return rows == 1 ? 2 : 1; }
  static constexpr int row_units(int rows) { return units(rows); }
  using U [[gnu::vector_size(32)]] = std::uint32_t;
  using I [[gnu::vector_size(32)]] = std::int32_t;
  using V = avx2::V;

  [[gnu::always_inline]] static inline U load(const std::byte* at) {
    return (U)_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  }
  [[gnu::always_inline]] static inline V halves(const std::byte* at) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
  }
  [[gnu::always_inline]] static inline I bytes(const std::byte* at) {
    return (I)_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at)));
  }
  template <std::uint32_t kMask>
  [[gnu::always_inline]] static inline U masked(U x) {
    __asm__("vpand %1, %0, %0" : "+x"(x) : "m"(kBytesAre<kMask>));
    return x;
  }
  [[gnu::always_inline]] static inline I low_bytes(U x) {
    __asm__("vpand %1, %0, %0" : "+x"(x) : "m"(kLowBytes));
    return (I)x;
  }
  [[gnu::always_inline]] static inline I add_pairs(I sums, U a, U b) {
    return sums + (I)_mm256_madd_epi16((__m256i)a, (__m256i)b);
  }
  [[gnu::always_inline]] static inline V fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
  static void end(const Int8Job& job, int r, int unit, V total) {
    const std::int64_t left = job.channels - unit * kLanes;
    const V bias = job.bias == nullptr ? _mm256_setzero_ps() : load_lanes(job.bias + unit * kLanes, left);
    store_lanes(job.y + r * job.ldy + unit * kLanes, left, _mm256_fmadd_ps(total, set(job.scales[r]), bias));
  }
  static constexpr auto activate = activate_block;
};

}  // namespace avx2
}  // namespace
}  // namespace swiftlet::kernels
