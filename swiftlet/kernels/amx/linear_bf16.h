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
  static void sixteen(const Floats& x, Halves& halves) {
    Words bits, rounded;
    same_bits(bits, x);
    rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    rounded = ((bits & 0x7fffffffu) > 0x7f800000u) ? ((bits >> 16) | 0x40u) : rounded;
    convert_lanes(halves, rounded);
  }
  void operator()(const float* x, std::int64_t count, std::uint32_t* words) const {
    convert_columns<Halves>(x, count, words, sixteen);
  }
};

void prepare_bf16(const PreparedRows& p, const float* x, std::int64_t ldx, Range tiles) noexcept {
  const Blocks blocks = blocks_of(p);
  ConvertBF16 convert;
  for_rows(p, blocks, tiles, [&](std::int64_t row, std::uint32_t* to, std::int64_t rows, std::int32_t*) {
    prepare_row(p, blocks, x + row * ldx, convert, to, rows, [](std::int64_t) {});
  });
}

struct DotBF16 {
  using Sum = float;
  template <int kC, int kA, int kB, class Tiles>
  [[gnu::always_inline]] static inline void dot(Tiles& tiles) {
    tiles.template dot_bf16<kC, kA, kB>();
  }
};

struct WholeBF16 {
  using Dot = DotBF16;
  template <class Body>
  static void finish(const Rows& rows, const Channels& channels, const Sums<float>& sums) {
    Floats bias, y;
    channels.load_bias(bias);
    const std::int64_t first = rows.first, count = rows.count, wide = channels.count();
    for (std::int64_t r = 0; r < count; ++r) {
      load_lanes(y, sums.at[r]);
      y += bias;
      store_channels(channels.y(first + r), wide, y);
    }
  }
};

// Words of a row in a slice, at most: the slices of 400 rows take half of a second-level cache of 2 MB. Each
// slice costs a load and a store of all sums. int8 does not win that back: its rows are half as long, and its
// products take half the time.
constexpr std::int64_t kSliceWords = 640;

template <class Body>
void multiply_bf16(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels) noexcept {
  const Blocks blocks = blocks_of(x);
  typename Body::Tiles registers;
  registers.configure(config_of(x, blocks));
  multiply_slices<Body, WholeBF16>(registers, x, blocks, output, tiles, panels, kSliceWords);
  registers.release();
}

}  // namespace amx
}  // namespace
}  // namespace swiftlet::kernels
