// Sixteen lanes in plain code. The compiler makes of them the vectors of the instruction set that the
// including file may use, so the same code runs beside the tile instructions and beside their model.
//
// Vectors are passed by reference: by value their place depends on the instruction set.
#pragma once

#include <cstdint>

#include "swiftlet/encoding/panel.h"

namespace swiftlet::kernels {
namespace {
namespace amx {

using Floats = float __attribute__((vector_size(64)));
using Ints = std::int32_t __attribute__((vector_size(64)));
using Words = std::uint32_t __attribute__((vector_size(64)));
using Halves = std::uint16_t __attribute__((vector_size(32)));
using Bytes = std::int8_t __attribute__((vector_size(16)));
static_assert(sizeof(Floats) == kPanelRows * sizeof(float));

constexpr int kLaneCount = 16;

template <class V>
[[gnu::always_inline]] inline void load_lanes(V& v, const void* from) {
  __builtin_memcpy(&v, from, sizeof(V));
}
template <class V>
[[gnu::always_inline]] inline void store_lanes(void* to, const V& v) {
  __builtin_memcpy(to, &v, sizeof(V));
}
// The first `count` lanes; the others are zero. Nothing behind them is touched.
template <class V>
[[gnu::always_inline]] inline void load_some(V& v, const void* from, std::int64_t count) {
  v = V{};
  __builtin_memcpy(&v, from, static_cast<std::size_t>(count) * (sizeof(V) / kLaneCount));
}
[[gnu::always_inline]] inline void splat_lanes(Floats& v, float value) {
  v = value - Floats{};
}
[[gnu::always_inline]] inline void splat_lanes(Ints& v, std::int32_t value) {
  v = value - Ints{};
}
template <class To, class From>
[[gnu::always_inline]] inline void convert_lanes(To& to, const From& from) {
  to = __builtin_convertvector(from, To);
}
template <class To, class From>
[[gnu::always_inline]] inline void same_bits(To& to, const From& from) {
  static_assert(sizeof(To) == sizeof(From));
  __builtin_memcpy(&to, &from, sizeof to);
}

}  // namespace amx
}  // namespace
}  // namespace swiftlet::kernels
