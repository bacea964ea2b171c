// Matrix products in bf16 over tile registers, sums in f32. A block of 32 columns is added up on its own,
// then to the sum of those before it (tile_model.h): so the order of additions depends on K alone.
#pragma once

#include "swiftlet/kernels/amx/linear_tiles.h"

namespace swiftlet::kernels {
namespace {
namespace amx {

bool supports_bf16(const Encoding& encoding) noexcept {
  return encoding.format == Format::kBF16;
}

// Rounds to nearest, ties to even; NaN stays a (quiet) NaN.
struct ConvertBF16 {
  static void store(const float* x, std::int64_t count, std::uint32_t* words) {
    auto* halves = reinterpret_cast<unsigned char*>(words);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::uint32_t bits = bits_of(x[i]);
      const std::uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
      const auto half =
          static_cast<std::uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? (bits >> 16) | 0x40u : rounded);
      __builtin_memcpy(halves + 2 * i, &half, 2);
    }
  }
};

void prepare_bf16(const PreparedRows& p, const float* x, std::int64_t ldx, Range tiles) noexcept {
  const Blocks blocks = blocks_of(p);
  ConvertBF16 convert;
  for_rows(p, blocks, tiles, [&](std::int64_t row, std::uint32_t* to, std::int64_t rows, std::int32_t*) {
    prepare_row(p, blocks, x + row * ldx, convert, to, rows, [](std::int64_t) {});
  });
}

struct BF16 {
  using Sum = float;
  template <int kC, int kA, int kB, class Tiles>
  static void dot(Tiles& tiles) {
    tiles.template dot_bf16<kC, kA, kB>();
  }
};

struct RunBF16 {
  template <class Body, int R, int P>
  static void run(typename Body::Tiles& tiles, const Job& job) {
    Sums<float> sums;
    multiply_group<BF16, R, P>(tiles, job, 0, sums);
    for (int r = 0; r < R; ++r)
      for (int p = 0; p < P; ++p)
        finish<Body>(job, r, p,
                     [&](std::int64_t row, int i, float bias) { return sums.at[r][p][row][i] + bias; });
  }
};

}  // namespace amx
}  // namespace
}  // namespace swiftlet::kernels
