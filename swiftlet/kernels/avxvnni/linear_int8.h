// Matrix products in int8 with eight lanes and VPDPBUSD: unsigned codes of the weight times signed codes of
// x, four columns a lane, exact in int32. Included by one file per encoding of the instruction.
//
// An Instruction brings dot(acc, w, x): acc += the dot products of the bytes of w, unsigned, and of x,
// signed.
//
//   M tokens   N output channels   K input channels   R rows of a tile   H halves of panels of a tile
#pragma once

#include "swiftlet/kernels/avx2/int8_tiles.h"

namespace swiftlet::kernels {
namespace {
namespace avxvnni {

using namespace avx2;

// 12 of 16 registers accumulate. Where a row has several groups the f32 sums rest in memory meanwhile.
constexpr int kMaxRows = 6;

int tile_rows(bool, std::int64_t) noexcept {
  return kMaxRows;
}

template <class Instruction>
struct Dot {
  [[gnu::always_inline]] static inline __m256i word(const std::uint32_t* x) {
    return _mm256_set1_epi32(static_cast<int>(*x));
  }
  [[gnu::always_inline]] static inline void add(__m256i& acc, __m256i w, __m256i x) {
    Instruction::dot(acc, w, x);
  }
};

template <class Instruction>
struct Int8Panels {
  static constexpr int kZeroPoint = Int8Codes::kZeroPoint, kOffset = 0;
  static constexpr std::int64_t kColumnsPerStep = 4;

  template <int R, int H>
  [[gnu::always_inline]] static inline void step(Tile<__m256i, R, H>& tile, const Pointers<H>& codes,
                                                 std::int64_t offset, const std::uint32_t* x) {
    dot_tile<Dot<Instruction>>(tile, load_words(codes, offset), x);
  }
};

template <class Instruction>
struct Int4Panels {
  static constexpr int kZeroPoint = Int4Codes::kZeroPoint, kOffset = 0;
  static constexpr std::int64_t kColumnsPerStep = 8;

  // The codes are read once for each nibble: with twelve accumulators no register is left to keep them.
  template <int R, int H>
  [[gnu::always_inline]] static inline void step(Tile<__m256i, R, H>& tile, const Pointers<H>& codes,
                                                 std::int64_t offset, const std::uint32_t* x) {
    Words<H> half = load_words(codes, offset);
    for_panels(
        half, [](__m256i & v, int) __attribute__((always_inline)) { v = low_nibbles(v); });
    dot_tile<Dot<Instruction>>(tile, half, x);
    __asm__("" : "+r"(offset));  // or the compiler keeps the first reading, on the stack
    half = load_words(codes, offset);
    for_panels(
        half, [](__m256i & v, int) __attribute__((always_inline)) { v = high_nibbles(v); });
    dot_tile<Dot<Instruction>>(tile, half, x + R);
  }
};

using Run = void (*)(const Int8Job&);

template <class Codes>
Run run_for(std::int64_t rows) {
  static constexpr Run kRun[] = {run_tile<Codes, 1, 4>, run_tile<Codes, 2, 4>, run_tile<Codes, 3, 2>,
                                 run_tile<Codes, 4, 2>, run_tile<Codes, 5, 2>, run_tile<Codes, 6, 2>};
  return kRun[rows - 1];
}

template <class Instruction>
struct Int8Tiles {
  static std::int64_t panels(Format, bool, std::int64_t rows) { return rows <= 2 ? 2 : 1; }
  static void run(Format format, bool, std::int64_t rows, const Int8Job& job) {
    (format == Format::kInt8 ? run_for<Int8Panels<Instruction>>(rows)
                             : run_for<Int4Panels<Instruction>>(rows))(job);
  }
  static constexpr auto activate = activate_block;
};

template <class Instruction>
void multiply(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels) noexcept {
  multiply_int8<Int8Tiles<Instruction>>(x, output, tiles, panels);
}

template <class Instruction>
inline constexpr LinearPath kPath{supports, tile_rows, prepare, multiply<Instruction>};

}  // namespace avxvnni
}  // namespace
}  // namespace swiftlet::kernels
