// Register tiles: R rows of prepared x times P panels (or halves of panels) of a weight, R * P accumulators.
// Included by files of an instruction set; everything here stays within them.
//
// The accumulators are members of nested structs and every update is one instruction: so each compiler keeps
// them in registers. Arrays of vectors went through the stack with some (docs/int8-linear.md).
#pragma once

#include <cstdint>

#include "swiftlet/kernels/linear_kernels.h"

namespace swiftlet::kernels {
namespace {

// One value per panel: registers or pointers.
template <class T, int P>
struct PerPanel {
  PerPanel<T, P - 1> before;
  T last;
};
template <class T>
struct PerPanel<T, 0> {};

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

template <class Dot, class A, class W, class X, int P>
[[gnu::always_inline]] inline void dot_row(PerPanel<A, P>& row, const PerPanel<W, P>& w, X x) {
  if constexpr (P > 0) {
    dot_row<Dot>(row.before, w.before, x);
    Dot::add(row.last, w.last, x);
  }
}
// One step: all rows of the tile meet one word of each lane. Dot::word(pointer) is how a word of x reaches
// the instruction: as an address or broadcast in a register.
template <class Dot, class A, class W, int R, int P>
[[gnu::always_inline]] inline void dot_tile(Tile<A, R, P>& tile, const PerPanel<W, P>& w,
                                            const std::uint32_t* x) {
  if constexpr (R > 0) {
    dot_tile<Dot>(tile.before, w, x);
    dot_row<Dot>(tile.row, w, Dot::word(x + R - 1));
  }
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

}  // namespace
}  // namespace swiftlet::kernels
