// Products in int8 with q4_r (encoding/q4_r.h) over tile registers. The scale of a group is two digits, and a
// code times a digit is a byte:
//
//   scale * (code - 8) = 16 * high + low
//   high = (code - 8) * (scale >> 4)     within [-64, 64]
//   low  = (code - 8) * (scale & 15)     within [-120, 105]
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
using HalfWords = std::uint16_t __attribute__((vector_size(64)));

// The scales of sixteen channels as digits: scale = 16 * high + low, low of 0..15. Both halves of a channel's
// word hold its digit.
struct ScaleDigits {
  HalfWords high, low;

  explicit ScaleDigits(const std::int8_t* scales) {
    // A loop: of a conversion of vectors g++ makes sixteen scalar ones.
    std::uint32_t doubled[kPanelRows];
    for (int i = 0; i < kPanelRows; ++i) {
      const auto half = static_cast<std::uint32_t>(std::int32_t{scales[i]});
      doubled[i] = (half & 0xffffu) | half << 16;
    }
    Shorts both;
    load_lanes(both, doubled);
    const Shorts upper = both >> 4, lower = both & 15;
    same_bits(high, upper);
    same_bits(low, lower);
  }
};

// Bytes of `codes` times the digit, which fit a byte; `odd` are the odd ones alone. The lower byte of a
// product of halves is that of the lower bytes, and the upper one that of the upper bytes where the lower is
// zero.
[[gnu::always_inline]] inline void store_products(const HalfWords& codes, const HalfWords& odd,
                                                  const HalfWords& digit, std::uint8_t* to) {
  const HalfWords products = (codes * digit & 0x00ffu) | odd * digit;
  store_lanes(to, products);
}

// Four columns of sixteen channels.
[[gnu::always_inline]] inline void spread_digits(const Words& nibbles, const ScaleDigits& scale,
                                                 std::uint8_t* high, std::uint8_t* low) {
  ByteLanes bytes;
  same_bits(bytes, nibbles);
  bytes -= Q4RBlocks::kZeroPoint;
  HalfWords codes;
  same_bits(codes, bytes);
  const HalfWords odd = codes & 0xff00u;
  store_products(codes, odd, scale.high, high);
  store_products(codes, odd, scale.low, low);
}

// One panel into its digits, [words][16][4] each.
inline void spread_row_blocks(const PanelView& w, std::int64_t panel, std::uint8_t* high, std::uint8_t* low) {
  using Kind = Q4RBlocks;
  const auto* block =
      reinterpret_cast<const std::uint8_t*>(w.codes) + panel * w.geometry.panel_code_bytes + Kind::kHeader;
  for (std::int64_t c = 0; c < w.geometry.k; c += Kind::kColumns, block += Kind::kBytes)
    for (std::int64_t g = 0; g < Kind::kColumns / Kind::kGroup; ++g) {
      const ScaleDigits scale(reinterpret_cast<const std::int8_t*>(block + g * kPanelRows));
      const std::uint8_t* codes = block + Kind::kCodes + g * Kind::kGroupBytes;
      for (int i = 0; i < 2; ++i, codes += kRowBytes, high += 2 * kRowBytes, low += 2 * kRowBytes) {
        fetch_codes(codes);
        Words both, nibbles;
        load_lanes(both, codes);
        nibbles = both & 0x0f0f0f0fu;
        spread_digits(nibbles, scale, high, low);
        nibbles = both >> 4 & 0x0f0f0f0fu;
        spread_digits(nibbles, scale, high + kRowBytes, low + kRowBytes);
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
        Words digits, rest;
        load_lanes(digits, high.at[r]);
        load_lanes(rest, low.at[r]);
        digits = (digits << 4) + rest;
        same_bits(sum, digits);
      });
}

// R tiles of x meeting the digits of one panel.
template <class Body, int R>
void run_digits(typename Body::Tiles& registers, const Rows (&rows)[2], const Channels& channels,
                const std::uint8_t* high, const std::uint8_t* low) {
  alignas(64) Sums<std::int32_t> sums[2][2];
  for (int r = 0; r < R; ++r) fetch_outputs(rows[r], channels);
  multiply_rows<WholeInt8<true>::Dot, R, 2>(registers, rows, high, low, Slice::whole(rows[0].blocks), {},
                                            sums);
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
