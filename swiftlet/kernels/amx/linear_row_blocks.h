// Products in int8 with q4_r (encoding/q4_r.h) over tile registers. A code times the scale of its group has
// eleven bits and a sign, two digits of one byte:
//
//   scale * (code - 8) = 16 * high + low       high within [-64, 63], low within [0, 15]
//
// So a row of x meets two spread panels in place of one, and the sums stay in tile registers over all of K,
// as they do for rows of one group. They are exact in 31 bits, like those of the other tables.
#pragma once

#include "swiftlet/encoding/q4_r.h"
#include "swiftlet/kernels/amx/linear_int8.h"

namespace swiftlet::kernels {
namespace {
namespace amx {

// The rows as tiles take them: one group.
inline PreparedRows as_one_group(const PreparedRows& x) {
  PreparedRows whole = x;
  whole.groups = 1;
  whole.group = x.k;
  whole.padded_group = x.padded_k;
  return whole;
}

void prepare_row_blocks(const PreparedRows& p, const float* x, std::int64_t ldx, Range tiles) noexcept {
  prepare_int8(as_one_group(p), x, ldx, tiles);
}

inline Blocks row_blocks_of(const PanelView& w) {
  return blocks_of(1, w.geometry.padded_k / 4, w.geometry.padded_k / 4);
}

std::int64_t scratch_row_blocks(const PanelView& w) noexcept {
  return 2 * row_blocks_of(w).panel_bytes();
}

using Shorts = std::int16_t __attribute__((vector_size(64)));

// Four columns of sixteen channels: bytes of `codes` times the scale of the channel, which lies in both
// halves of its word.
[[gnu::always_inline]] inline void spread_digits(const Words& codes, const Shorts& scale, const Shorts& eight,
                                                 std::uint8_t* high, std::uint8_t* low) {
  const Words even_codes = codes & 0x00ff00ffu, odd_codes = codes >> 8 & 0x00ff00ffu;
  Shorts even, odd;
  same_bits(even, even_codes);
  same_bits(odd, odd_codes);
  even = even * scale - eight;
  odd = odd * scale - eight;
  const Shorts even_high = even >> 4, odd_high = odd >> 4;
  Words e, o, digits;
  same_bits(e, even_high);
  same_bits(o, odd_high);
  digits = (e & 0x00ff00ffu) | (o & 0x00ff00ffu) << 8;
  store_lanes(high, digits);
  same_bits(e, even);
  same_bits(o, odd);
  digits = (e & 0x000f000fu) | (o & 0x000f000fu) << 8;
  store_lanes(low, digits);
}

// One panel into its digits, [words][16][4] each.
inline void spread_row_blocks(const PanelView& w, std::int64_t panel, std::uint8_t* high, std::uint8_t* low) {
  using Kind = Q4RBlocks;
  const auto* block =
      reinterpret_cast<const std::uint8_t*>(w.codes) + panel * w.geometry.panel_code_bytes + Kind::kHeader;
  for (std::int64_t c = 0; c < w.geometry.k; c += Kind::kColumns, block += Kind::kBytes)
    for (std::int64_t g = 0; g < Kind::kColumns / Kind::kGroup; ++g) {
      Bytes scales;
      Ints wide;
      Words doubled;
      load_lanes(scales, block + g * kPanelRows);
      convert_lanes(wide, scales);
      same_bits(doubled, wide);
      doubled = (doubled & 0xffffu) | doubled << 16;
      Shorts scale;
      same_bits(scale, doubled);
      const Shorts eight = scale * 8;
      const std::uint8_t* codes = block + Kind::kCodes + g * Kind::kGroupBytes;
      for (int i = 0; i < 2; ++i, codes += kRowBytes, high += 2 * kRowBytes, low += 2 * kRowBytes) {
        fetch_codes(codes);
        Words both, nibbles;
        load_lanes(both, codes);
        nibbles = both & 0x0f0f0f0fu;
        spread_digits(nibbles, scale, eight, high, low);
        nibbles = both >> 4 & 0x0f0f0f0fu;
        spread_digits(nibbles, scale, eight, high + kRowBytes, low + kRowBytes);
      }
    }
}

template <class Body>
void finish_digits(const Rows& rows, const Channels& channels, const Sums<std::int32_t>& high,
                   const Sums<std::int32_t>& low) {
  Floats scale;
  load_lanes(scale, channels.codes());  // the head of a panel
  finish_sums<Body>(
      rows, channels, scale, [&](std::int64_t r, Ints & sum) __attribute__((always_inline)) {
        Ints rest;
        load_lanes(sum, high.at[r]);
        load_lanes(rest, low.at[r]);
        sum = (sum << 4) + rest;
      });
}

// R tiles of x meeting the digits of one panel.
template <class Body, int R>
void run_digits(typename Body::Tiles& registers, const Rows (&rows)[2], const Channels& channels,
                const std::uint8_t* high, const std::uint8_t* low) {
  alignas(64) Sums<std::int32_t> sums[2][2];
  for (int r = 0; r < R; ++r) fetch_outputs(rows[r], channels);
  multiply_rows<WholeInt8<true>::Dot, R, 2>(registers, rows, high, low, Ahead{}, sums);
  for (int r = 0; r < R; ++r) {
    finish_digits<Body>(rows[r], channels, sums[r][0], sums[r][1]);
    Body::activate(channels.output.activation, channels.y(rows[r].first), channels.output.ldy,
                   static_cast<int>(rows[r].count), channels.count());
  }
}

template <class Body>
void multiply_row_blocks(const PreparedRows& prepared, const LinearOutput& output, Range tiles,
                         Range panels) noexcept {
  const PreparedRows x = as_one_group(prepared);
  const Blocks blocks = blocks_of(x);
  auto* high = reinterpret_cast<std::uint8_t*>(x.scratch);
  std::uint8_t* low = high + blocks.panel_bytes();
  typename Body::Tiles registers;
  registers.configure(config_of(x, blocks));
  for (std::int64_t p = panels.begin; p < panels.end; ++p) {
    spread_row_blocks(output.weight, p, high, low);
    const Channels channels{output, p};
    for (std::int64_t t = tiles.begin; t < tiles.end; t += 2) {
      const bool two = t + 1 < tiles.end;
      const Rows rows[2] = {Rows(x, blocks, t), Rows(x, blocks, two ? t + 1 : t)};
      (two ? run_digits<Body, 2> : run_digits<Body, 1>)(registers, rows, channels, high, low);
    }
  }
  registers.release();
}

bool supports_row_blocks(const Encoding& encoding) noexcept {
  return encoding.format == Format::kQ4R;
}

}  // namespace amx
}  // namespace
}  // namespace swiftlet::kernels
