// The registers of generic/block_products.h: sixteen lanes, a unit is a panel.
#pragma once

#include "swiftlet/kernels/avx512/epilogue.h"
#include "swiftlet/kernels/avx512/tile.h"
#include "swiftlet/kernels/generic/block_products.h"

namespace swiftlet::kernels {
namespace {
namespace avx512 {

struct BlockLanes : FromMemory {
  static constexpr int kPerPanel = 1, kLanes = 16;
  static constexpr int kMostRows = 8;  // 8 accumulators of a group and 8 of a block
  static constexpr int units(int rows) { return rows == 1 ? 4 : rows <= 4 ? 2 : 1; }
  static constexpr int row_units(int rows) { return rows == 1 ? 8 : rows == 2 ? 4 : units(rows); }
  using U [[gnu::vector_size(64)]] = std::uint32_t;
  using I [[gnu::vector_size(64)]] = std::int32_t;
  using V = avx512::V;

  [[gnu::always_inline]] static inline U load(const std::byte* at) { return (U)_mm512_loadu_si512(at); }
  [[gnu::always_inline]] static inline V halves(const std::byte* at) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
  }
  [[gnu::always_inline]] static inline I bytes(const std::byte* at) {
    return (I)_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
  }
  template <std::uint32_t kMask>
  [[gnu::always_inline]] static inline U masked(U x) {
    return x & kMask * 0x01010101u;
  }
  [[gnu::always_inline]] static inline I low_bytes(U x) { return (I)(x & 255u); }
  [[gnu::always_inline]] static inline void add(I& sums, U codes, const std::uint32_t* x) {
    __asm__("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sums) : "v"(codes), "m"(*x));
  }
  [[gnu::always_inline]] static inline I add_pairs(I sums, U a, U b) {
    __asm__("vpdpwssd %2, %1, %0" : "+v"(sums) : "v"(a), "v"(b));
    return sums;
  }
  [[gnu::always_inline]] static inline V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
  static void end(const Int8Job& job, int r, int p, V total) {
    const __mmask16 mask = panel_lanes(job.channels, p);
    const V bias = job.bias == nullptr ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(mask, job.bias + p * 16);
    _mm512_mask_storeu_ps(job.y + r * job.ldy + p * 16, mask,
                          _mm512_fmadd_ps(total, set(job.scales[r]), bias));
  }
  static constexpr auto activate = activate_block;
};

}  // namespace avx512
}  // namespace
}  // namespace swiftlet::kernels
