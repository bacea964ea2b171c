// The instructions of register tiles (generic/tile.h): sixteen lanes, x broadcast from memory.
//
// Dot instructions are inline assembly with a read-write register operand: written as intrinsics, some
// compilers move the accumulators through the stack (docs/int8-linear.md).
#pragma once

#include <immintrin.h>

#include "swiftlet/kernels/generic/tile.h"

namespace swiftlet::kernels {
namespace {
namespace avx512 {

struct FromMemory {
  [[gnu::always_inline]] static inline const std::uint32_t* word(const std::uint32_t* x) { return x; }
};
// acc += the dot products of sixteen words of a panel with one word of x.
struct DotF32 : FromMemory {
  [[gnu::always_inline]] static inline void add(__m512& acc, __m512i w, const std::uint32_t* x) {
    __asm__("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(acc) : "v"(w), "m"(*x));
  }
};
struct DotBF16 : FromMemory {
  [[gnu::always_inline]] static inline void add(__m512& acc, __m512i w, const std::uint32_t* x) {
    __asm__("vdpbf16ps %2%{1to16%}, %1, %0" : "+v"(acc) : "v"(w), "m"(*x));
  }
};
// Unsigned codes of the weight times signed codes of x, exact in int32.
struct DotInt8 : FromMemory {
  [[gnu::always_inline]] static inline void add(__m512i& acc, __m512i w, const std::uint32_t* x) {
    __asm__("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(acc) : "v"(w), "m"(*x));
  }
};

template <int P>
using Words = PerPanel<__m512i, P>;

// total += f32(sums) * scale of the panel.
template <int P>
[[gnu::always_inline]] inline void add_scaled(PerPanel<__m512, P>& total, const PerPanel<__m512i, P>& sums,
                                              const PerPanel<__m512, P>& scales) {
  if constexpr (P > 0) {
    add_scaled(total.before, sums.before, scales.before);
    total.last = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums.last), scales.last, total.last);
  }
}
template <int R, int P>
[[gnu::always_inline]] inline void add_scaled(Tile<__m512, R, P>& total, const Tile<__m512i, R, P>& sums,
                                              const PerPanel<__m512, P>& scales) {
  if constexpr (R > 0) {
    add_scaled(total.before, sums.before, scales);
    add_scaled(total.row, sums.row, scales);
  }
}

template <int P>
[[gnu::always_inline]] inline Words<P> load_words(const Pointers<P>& at, std::int64_t offset) {
  Words<P> w;
  if constexpr (P > 0) {
    w.before = load_words(at.before, offset);
    w.last = _mm512_loadu_si512(at.last + offset);
  }
  return w;
}

// Lanes of panel p that exist: fewer in the last panel of a weight, none beyond it.
inline __mmask16 panel_lanes(std::int64_t channels, int p) {
  const std::int64_t left = channels - p * kPanelRows;
  if (left >= kPanelRows) return static_cast<__mmask16>(0xffff);
  return left <= 0 ? static_cast<__mmask16>(0) : static_cast<__mmask16>((1u << left) - 1);
}

}  // namespace avx512
}  // namespace
}  // namespace swiftlet::kernels
