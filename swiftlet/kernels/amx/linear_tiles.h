// Matrix products over tile registers, in int8 and in bf16: R x P tiles of x and panels of a weight at once,
// up to two each. Included by one file per body of the tiles; plain code but for those, so that each body
// brings the instruction set that the compiler may use around them.
//
// A Body brings Tiles (tile.h) and activate(activation, y, ldy, rows, columns).
//
//   M tokens   N output channels   K input channels   R tiles of x   P panels
#pragma once

#include "swiftlet/kernels/amx/blocks.h"
#include "swiftlet/kernels/generic/inner_loop.h"

namespace swiftlet::kernels {
namespace {
namespace amx {

inline std::uint32_t bits_of(float value) {
  std::uint32_t bits;
  __builtin_memcpy(&bits, &value, 4);
  return bits;
}
inline float float_of(std::uint32_t bits) {
  float value;
  __builtin_memcpy(&value, &bits, 4);
  return value;
}

inline int tile_rows(bool, std::int64_t) noexcept {
  return kTileRows;
}

// R tiles of x meeting P panels.
struct Job {
  const PreparedRows& x;
  const LinearOutput& output;
  Blocks blocks;
  std::int64_t tile, panel;

  std::int64_t first_row(int r) const { return tile_row(x, tile + r); }
  std::int64_t rows(int r) const { return tile_row(x, tile + r + 1) - first_row(r); }
  std::int64_t first_channel(int p) const { return (panel + p) * kPanelRows; }
  std::int64_t channels(int p) const {
    const std::int64_t left = output.weight.geometry.n - first_channel(p);
    return left < kPanelRows ? left : kPanelRows;
  }
  const std::uint8_t* codes(int p) const {
    return reinterpret_cast<const std::uint8_t*>(output.weight.codes +
                                                 (panel + p) * output.weight.geometry.panel_code_bytes);
  }
};

// One value for each channel of up to two panels and each row of up to two tiles.
template <class T>
struct alignas(64) Sums {
  T at[2][2][kTileRows][kPanelRows];  // tile, panel, row, channel
};

// Where R x P tiles read a block: the second of a pair is the first again where there is none. Named members,
// not arrays: those went through the stack.
struct Operands {
  const std::uint8_t *x0, *x1, *w0, *w1;
};
// Bytes from one block to the next, and between the rows of a tile of x.
struct Steps {
  std::int64_t x0, x1, w, x_stride;
};

template <int R, int P>
inline Operands first_block(const Job& job, const Steps& steps, std::int64_t group, std::int64_t word_bytes) {
  const Blocks& blocks = job.blocks;
  const auto x = [&](int r, std::int64_t step) {
    const std::uint32_t* tile = job.x.words + job.first_row(r) * blocks.row_words();
    return reinterpret_cast<const std::uint8_t*>(tile) + group * blocks.per_group * step;
  };
  const std::int64_t w = group * blocks.group_words * word_bytes;
  return {x(0, steps.x0), x(R - 1, steps.x1), job.codes(0) + w, job.codes(P - 1) + w};
}

template <class Arithmetic, int R, int P, class Tiles>
[[gnu::always_inline]] inline void dot_block(Tiles& tiles, const Operands& at, std::int64_t x_stride) {
  tiles.template load<4>(at.x0, x_stride);
  tiles.template load<6>(at.w0, kRowBytes);
  Arithmetic::template dot<0, 4, 6>(tiles);
  if constexpr (P > 1) {
    tiles.template load<7>(at.w1, kRowBytes);
    Arithmetic::template dot<1, 4, 7>(tiles);
  }
  if constexpr (R > 1) {
    tiles.template load<5>(at.x1, x_stride);
    Arithmetic::template dot<2, 5, 6>(tiles);
  }
  if constexpr (R > 1 && P > 1) Arithmetic::template dot<3, 5, 7>(tiles);
}

// Blocks of sixteen words that lie in the panels as the tiles read them. A function of its own, with little
// to keep in registers.
template <class Arithmetic, int R, int P, class Tiles>
[[gnu::noinline]] inline void dot_blocks(Tiles& tiles, Operands at, std::int64_t x0_step,
                                         std::int64_t x1_step, std::int64_t count) {
  for (; count > 0; --count) {
    mark_inner_loop();
    dot_block<Arithmetic, R, P>(tiles, at, kRowBytes);
    at.x0 += x0_step;
    at.w0 += kTileWords * kRowBytes;
    if constexpr (R > 1) at.x1 += x1_step;
    if constexpr (P > 1) at.w1 += kTileWords * kRowBytes;
  }
}

template <int R, int P, class Tiles>
inline void zero_sums(Tiles& tiles) {
  tiles.template zero<0>();
  if constexpr (P > 1) tiles.template zero<1>();
  if constexpr (R > 1) tiles.template zero<2>();
  if constexpr (R > 1 && P > 1) tiles.template zero<3>();
}
template <int R, int P, class Tiles, class T>
inline void store_sums(Tiles& tiles, Sums<T>& sums) {
  tiles.template store<0>(sums.at[0][0], kRowBytes);
  if constexpr (P > 1) tiles.template store<1>(sums.at[0][1], kRowBytes);
  if constexpr (R > 1) tiles.template store<2>(sums.at[1][0], kRowBytes);
  if constexpr (R > 1 && P > 1) tiles.template store<3>(sums.at[1][1], kRowBytes);
}

// The sums of one group. A tile of x one row short of the configured height reads the row after it as well:
// what that gives is not looked at.
template <class Arithmetic, int R, int P, class Tiles>
inline void multiply_group(Tiles& tiles, const Job& job, std::int64_t group,
                           Sums<typename Arithmetic::Sum>& sums) {
  const bool nibbles = job.output.weight.encoding.format == Format::kInt4;
  const std::int64_t words = job.blocks.words, word_bytes = nibbles ? kRowBytes / 2 : kRowBytes;
  const std::int64_t full = job.blocks.words_of(group) / words, rest = job.blocks.words_of(group) % words;
  const Steps steps{job.rows(0) * words * 4, job.rows(R - 1) * words * 4, words * word_bytes, words * 4};
  Operands at = first_block<R, P>(job, steps, group, word_bytes);
  BlockBuffer buffers[2];
  const auto dot_aside = [&](auto copy, std::int64_t count) {
    const std::uint8_t* w0 = copy(at.w0, count, words, buffers[0]);
    const std::uint8_t* w1 = P > 1 ? copy(at.w1, count, words, buffers[1]) : w0;
    dot_block<Arithmetic, R, P>(tiles, {at.x0, at.x1, w0, w1}, steps.x_stride);
  };
  zero_sums<R, P>(tiles);
  if (nibbles) {
    for (std::int64_t b = 0; b < full; ++b) {
      dot_aside(expand_nibbles, words);
      at = {at.x0 + steps.x0, at.x1 + steps.x1, at.w0 + steps.w, at.w1 + steps.w};
    }
    if (rest > 0) dot_aside(expand_nibbles, rest);
  } else {
    if (words == kTileWords)
      dot_blocks<Arithmetic, R, P>(tiles, at, steps.x0, steps.x1, full);
    else if (full > 0)  // a small group, which is one block
      dot_block<Arithmetic, R, P>(tiles, at, steps.x_stride);
    at = {at.x0 + full * steps.x0, at.x1 + full * steps.x1, at.w0 + full * steps.w, at.w1 + full * steps.w};
    if (rest > 0) dot_aside(fill_up, rest);
  }
  store_sums<R, P>(tiles, sums);
}

// Sixteen channels of the rows of one tile: value(row, channel, its bias), activated.
template <class Body, class Value>
inline void finish(const Job& job, int r, int p, Value value) {
  const LinearOutput& output = job.output;
  const std::int64_t channels = job.channels(p), bytes = channels * 4;
  float* y = output.y + job.first_row(r) * output.ldy + job.first_channel(p);
  alignas(64) float bias[kPanelRows] = {}, row[kPanelRows];
  if (output.bias != nullptr)
    __builtin_memcpy(bias, output.bias + job.first_channel(p), static_cast<std::size_t>(bytes));
  for (std::int64_t m = 0; m < job.rows(r); ++m) {
    for (int i = 0; i < kPanelRows; ++i) row[i] = value(m, i, bias[i]);
    __builtin_memcpy(y + m * output.ldy, row, static_cast<std::size_t>(bytes));
  }
  Body::activate(output.activation, y, output.ldy, static_cast<int>(job.rows(r)), channels);
}

template <class Body, class Kind>
void multiply(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels) noexcept {
  using Run = void (*)(typename Body::Tiles&, const Job&);
  static constexpr Run kRun[2][2] = {{Kind::template run<Body, 1, 1>, Kind::template run<Body, 1, 2>},
                                     {Kind::template run<Body, 2, 1>, Kind::template run<Body, 2, 2>}};
  const Blocks blocks = blocks_of(x);
  typename Body::Tiles registers;
  registers.configure(config_of((x.m + x.tiles - 1) / x.tiles, blocks.words));
  for (std::int64_t p = panels.begin; p < panels.end; p += 2)
    for (std::int64_t t = tiles.begin; t < tiles.end; t += 2)
      kRun[t + 1 < tiles.end][p + 1 < panels.end](registers, {x, output, blocks, t, p});
  registers.release();
}

}  // namespace amx
}  // namespace
}  // namespace swiftlet::kernels
