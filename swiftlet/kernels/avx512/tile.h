// Register tiles: R rows of prepared x times P panels of a weight, R * P accumulators of sixteen lanes.
//
// The accumulators are members of nested structs and every update is one instruction of inline assembly with
// a read-write register operand: so each compiler keeps them in registers. Arrays of vectors and intrinsics
// went through the stack with some (docs/int8-linear.md).
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "swiftlet/kernels/linear_kernels.h"

namespace swiftlet::kernels {
namespace {
namespace avx512 {

// acc += the dot products of sixteen words of a panel with one word of x, broadcast from memory.
struct DotF32 {
  [[gnu::always_inline]] static inline void add(__m512& acc, __m512i w, const std::uint32_t* x) {
    __asm__("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(acc) : "v"(w), "m"(*x));
  }
};
struct DotBF16 {
  [[gnu::always_inline]] static inline void add(__m512& acc, __m512i w, const std::uint32_t* x) {
    __asm__("vdpbf16ps %2%{1to16%}, %1, %0" : "+v"(acc) : "v"(w), "m"(*x));
  }
};
// Unsigned codes of the weight times signed codes of x, exact in int32.
struct DotInt8 {
  [[gnu::always_inline]] static inline void add(__m512i& acc, __m512i w, const std::uint32_t* x) {
    __asm__("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(acc) : "v"(w), "m"(*x));
  }
};

// One value per panel: registers or pointers.
template <class T, int P>
struct PerPanel {
  PerPanel<T, P - 1> before;
  T last;
};
template <class T>
struct PerPanel<T, 0> {};

template <int P>
using Words = PerPanel<__m512i, P>;
template <int P>
using Pointers = PerPanel<const std::byte*, P>;

// f(value, panel) for every panel, in order.
template <class T, int P, class F>
[[gnu::always_inline]] inline void for_panels(PerPanel<T, P>& values, F f) {
  if constexpr (P > 0) {
    for_panels(values.before, f);
    f(values.last, P - 1);
  }
}

template <class A, int R, int P>
struct Tile {
  Tile<A, R - 1, P> before;
  PerPanel<A, P> row;
};
template <class A, int P>
struct Tile<A, 0, P> {};

// f(accumulator, row, panel) for every accumulator.
template <class A, int R, int P, class F>
[[gnu::always_inline]] inline void for_tile(Tile<A, R, P>& tile, F f) {
  if constexpr (R > 0) {
    for_tile(tile.before, f);
    for_panels(
        tile.row, [&](A & acc, int p) __attribute__((always_inline)) { f(acc, R - 1, p); });
  }
}

// f(a, b, panel) over two values per panel.
template <class A, class B, int P, class F>
[[gnu::always_inline]] inline void for_both(PerPanel<A, P>& a, const PerPanel<B, P>& b, F f) {
  if constexpr (P > 0) {
    for_both(a.before, b.before, f);
    f(a.last, b.last, P - 1);
  }
}

// f(accumulator, value of its panel, row, panel).
template <class A, class B, int R, int P, class F>
[[gnu::always_inline]] inline void for_tile_with(Tile<A, R, P>& tile, const PerPanel<B, P>& values, F f) {
  if constexpr (R > 0) {
    for_tile_with(tile.before, values, f);
    for_both(
        tile.row, values, [&](A & acc, const B& value, int p) __attribute__((always_inline)) {
          f(acc, value, R - 1, p);
        });
  }
}

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

template <class Dot, class A, int P>
[[gnu::always_inline]] inline void dot_row(PerPanel<A, P>& row, const Words<P>& w, const std::uint32_t* x) {
  if constexpr (P > 0) {
    dot_row<Dot>(row.before, w.before, x);
    Dot::add(row.last, w.last, x);
  }
}
// One step: all rows of the tile meet one word of each lane.
template <class Dot, class A, int R, int P>
[[gnu::always_inline]] inline void dot_tile(Tile<A, R, P>& tile, const Words<P>& w, const std::uint32_t* x) {
  if constexpr (R > 0) {
    dot_tile<Dot>(tile.before, w, x);
    dot_row<Dot>(tile.row, w, x + R - 1);
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

// Pointers to P consecutive panels from `first`; where fewer than P are left, the last one again, whose
// results are not stored.
template <int P>
inline Pointers<P> panel_pointers(const std::byte* first, std::int64_t stride, std::int64_t left) {
  Pointers<P> at;
  for_panels(at,
             [&](const std::byte*& pointer, int p) { pointer = first + (p < left ? p : left - 1) * stride; });
  return at;
}

// Lanes of panel p that exist: all but in the last panel of a weight, none beyond it.
inline __mmask16 panel_lanes(std::int64_t channels, int p) {
  const std::int64_t left = channels - p * kPanelRows;
  if (left >= kPanelRows) return static_cast<__mmask16>(0xffff);
  return left <= 0 ? static_cast<__mmask16>(0) : static_cast<__mmask16>((1u << left) - 1);
}

}  // namespace avx512
}  // namespace
}  // namespace swiftlet::kernels
