// The instructions of register tiles (generic/tile.h): eight lanes, so a panel is two halves, and a "panel"
// of the tile templates is one half here.
#pragma once

#include <immintrin.h>

#include "swiftlet/kernels/avx2/math.h"
#include "swiftlet/kernels/generic/tile.h"

namespace swiftlet::kernels {
namespace {
namespace avx2 {

template <int H>
using Words = PerPanel<__m256i, H>;

// Pointers to H consecutive halves of panels; `left` panels exist.
template <int H>
inline Pointers<H> half_pointers(const std::byte* first, std::int64_t stride, std::int64_t left,
                                 std::int64_t half_bytes) {
  Pointers<H> at;
  for_panels(at, [&](const std::byte*& pointer, int h) {
    const std::int64_t panel = h / 2 < left ? h / 2 : left - 1;
    pointer = first + panel * stride + h % 2 * half_bytes;
  });
  return at;
}

template <int H>
[[gnu::always_inline]] inline Words<H> load_words(const Pointers<H>& at, std::int64_t offset) {
  Words<H> w;
  if constexpr (H > 0) {
    w.before = load_words(at.before, offset);
    w.last = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at.last + offset));
  }
  return w;
}

// A constant that is an operand in memory. Sixteen registers are few: a constant in one of them would drive
// an accumulator onto the stack, or compilers keep the constant itself there.
struct alignas(32) Constant {
  std::uint8_t bytes[32];
};
// Byte i is f(i).
template <class F>
constexpr Constant constant_of(F f) {
  Constant c{};
  for (int i = 0; i < 32; ++i) c.bytes[i] = static_cast<std::uint8_t>(f(i));
  return c;
}
constexpr Constant kNibbles = constant_of([](int) { return 15; });

// Low and high nibbles as bytes.
[[gnu::always_inline]] inline __m256i low_nibbles(__m256i both) {
  __m256i low;
  __asm__("vpand %2, %1, %0" : "=x"(low) : "x"(both), "m"(kNibbles));
  return low;
}
[[gnu::always_inline]] inline __m256i high_nibbles(__m256i both) {
  return low_nibbles(_mm256_srli_epi16(both, 4));
}

inline V load_lanes(const float* x, std::int64_t count) {
  return count >= 8 ? _mm256_loadu_ps(x) : _mm256_maskload_ps(x, lanes(count));
}
inline void store_lanes(float* y, std::int64_t count, V value) {
  if (count >= 8)
    _mm256_storeu_ps(y, value);
  else
    _mm256_maskstore_ps(y, lanes(count), value);
}

// y [rows, columns] of row stride ldy, in place.
[[gnu::noinline]] inline void activate_block(Activation activation, float* y, std::int64_t ldy, int rows,
                                             std::int64_t columns) {
  if (activation == Activation::kNone) return;
  visit(activation, [&](auto f) {
    for (int r = 0; r < rows; ++r) map_row(y + r * ldy, y + r * ldy, columns, f);
  });
}

// Eight floats of a row of scales, f16 or f32.
inline V load_scales(const std::byte* scales, bool half) {
  return half ? _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(scales)))
              : _mm256_loadu_ps(reinterpret_cast<const float*>(scales));
}
inline __m256i load_zero_points(const std::byte* zero_points) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(zero_points)));
}

}  // namespace avx2
}  // namespace
}  // namespace swiftlet::kernels
