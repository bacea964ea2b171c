// Matrix products in int8 over tile registers: sums exact in int32. What follows the sums is that of the
// vector tables, so the bits are theirs.
//
// Rows that are one group meet the bytes of a panel where they lie, x signed and the codes unsigned. Panels
// of nibbles, and those with several groups in a row, are spread out in scratch memory once for all rows of a
// unit; several groups go on in linear_groups.h.
#pragma once

#include "swiftlet/kernels/amx/linear_groups.h"
#include "swiftlet/kernels/generic/int8_job.h"

namespace swiftlet::kernels {
namespace {
namespace amx {

inline bool supports_int8(const Encoding& encoding) noexcept {
  return encoding.format == Format::kInt8 || encoding.format == Format::kInt4;
}

// As bits: magnitudes order as integers, infinity and NaN above all.
inline std::int32_t largest_magnitude(const float* x, std::int64_t k) {
  Ints most{}, bits;
  std::int64_t c = 0;
  for (; c + kLaneCount <= k; c += kLaneCount) {
    load_lanes(bits, x + c);
    bits &= 0x7fffffff;
    most = bits > most ? bits : most;
  }
  if (c < k) {
    load_some(bits, x + c, k - c);
    bits &= 0x7fffffff;
    most = bits > most ? bits : most;
  }
  std::int32_t largest = 0;
  for (int i = 0; i < kLaneCount; ++i) largest = most[i] > largest ? most[i] : largest;
  return largest;
}

// Rounds x * inverse to codes within ±127 and sums them.
struct ConvertInt8 {
  float inverse;
  Ints sums{};

  void sixteen(const Floats& x, Bytes& codes) {
    // Adding 1.5 * 2^23 leaves the nearest integer, ties to even, in the low bits.
    const Floats scaled = x * inverse;
    const Floats shifted = scaled + 0x1.8p23f;
    Ints rounded;
    same_bits(rounded, shifted);
    rounded -= 0x4b400000;
    sums += rounded;
    convert_lanes(codes, rounded);
  }
  void operator()(const float* x, std::int64_t count, std::uint32_t* words) {
    convert_columns<Bytes>(x, count, words,
                           [&](const Floats& values, Bytes& codes) { sixteen(values, codes); });
  }
  std::int32_t take_sum() {
    std::int32_t total = 0;
    for (int i = 0; i < kLaneCount; ++i) total += sums[i];
    sums = Ints{};
    return total;
  }
};

void prepare_int8(const PreparedRows& p, const float* x, std::int64_t ldx, Range tiles) noexcept {
  const Blocks blocks = blocks_of(p);
  for_rows(p, blocks, tiles, [&](std::int64_t row, std::uint32_t* to, std::int64_t rows, std::int32_t* sums) {
    const float* from = x + row * ldx;
    const RowScale scale = row_scale(largest_magnitude(from, p.k));
    p.scales[row] = scale.scale;
    ConvertInt8 convert{scale.inverse};
    if (scale.inverse == 0) {  // nothing of such a row may reach the codes
      for (std::int64_t b = 0; b < blocks.count(); ++b)
        __builtin_memset(to + b * rows * blocks.words, 0, static_cast<std::size_t>(blocks.words) * 4);
      for (std::int64_t g = 0; g < p.groups; ++g) sums[g * rows] = 0;
      return;
    }
    prepare_row(p, blocks, from, convert, to, rows,
                [&](std::int64_t g) { sums[g * rows] = convert.take_sum(); });
  });
}

// y = sum * scale * scale of the row + bias; sum_of(row of the tile, sum) gives the exact integers.
template <class Body, class SumOf>
inline void finish_sums(const Rows& rows, const Channels& channels, const Floats& scale, SumOf sum_of) {
  Floats bias;
  channels.load_bias(bias);
  const std::int64_t first = rows.first, count = rows.count, wide = channels.count();
  const float* x_scales = rows.x.scales + first;
  for (std::int64_t r = 0; r < count; ++r) {
    Ints sum;
    sum_of(r, sum);
    Floats value, x_scale, y = bias;
    convert_lanes(value, sum);
    value *= scale;
    splat_lanes(x_scale, x_scales[r]);
    Body::fma(y, value, x_scale);
    store_channels(channels.y(first + r), wide, y);
  }
}

// Rows that are one group. kSpread: their codes are signed and have the symmetric zero point taken off.
template <bool kSpread>
struct WholeInt8 {
  struct Dot {
    using Sum = std::int32_t;
    template <int kC, int kA, int kB, class Tiles>
    [[gnu::always_inline]] static inline void dot(Tiles& tiles) {
      if constexpr (kSpread)
        tiles.template dot_signed<kC, kA, kB>();
      else
        tiles.template dot_int8<kC, kA, kB>();
    }
  };

  template <class Body>
  static void finish(const Rows& rows, const Channels& channels, const Sums<std::int32_t>& sums) {
    const PanelView& w = channels.output.weight;
    Floats scale;
    Ints zero_points;
    load_scale(w, channels.first(), scale);
    load_zero_points(w, channels.panel, zero_points);
    const std::int32_t* x_sums = rows.x.sums + rows.first;
    finish_sums<Body>(
        rows, channels, scale, [&](std::int64_t r, Ints & sum) __attribute__((always_inline)) {
          load_lanes(sum, sums.at[r]);
          sum -= zero_points * x_sums[r];
        });
  }

 private:
  static void load_zero_points(const PanelView& w, std::int64_t panel, Ints& zero_points) {
    const auto symmetric = static_cast<std::int32_t>(symmetric_zero_point(w.encoding));
    splat_lanes(zero_points, symmetric);
    if (w.zero_points != nullptr)
      for (int i = 0; i < kLaneCount; ++i) zero_points[i] = w.zero_points[panel * kPanelRows + i];
    if constexpr (kSpread) zero_points -= symmetric;
  }
};

inline bool is_spread(const PanelView& w) {
  return w.geometry.groups > 1 || w.encoding.format == Format::kInt4;
}

// Of one member of the pool.
inline std::int64_t scratch_int8(const PanelView& w) noexcept {
  if (!is_spread(w)) return 0;
  const PanelGeometry& g = w.geometry;
  const Blocks blocks = blocks_of(g.groups, g.padded_group / 4, g.padded_k / 4);
  return g.groups > 1 ? spread_bytes(blocks) + static_cast<std::int64_t>(sizeof(GroupSums))
                      : 2 * spread_bytes(blocks);
}

template <class Body>
void multiply_int8_tiles(const PreparedRows& x, const LinearOutput& output, Range tiles,
                         Range panels) noexcept {
  const Blocks blocks = blocks_of(x);
  std::byte* scratch = x.scratch;
  const PanelView& w = output.weight;
  typename Body::Tiles registers;
  registers.configure(config_of(x, blocks));
  if (x.groups > 1) {
    for (std::int64_t p = panels.begin; p < panels.end; ++p)
      run_groups<Body>(registers, x, blocks, tiles, {output, p}, scratch);
    return registers.release();
  }
  if (is_spread(w)) {
    const Slice whole = Slice::whole(blocks);
    for (std::int64_t p = panels.begin; p < panels.end; p += 2) {
      const bool pair = p + 1 < panels.end;
      const Channels channels[2] = {{output, p}, {output, pair ? p + 1 : p}};
      auto* w0 = reinterpret_cast<std::uint8_t*>(scratch);
      std::uint8_t* w1 = pair ? w0 + spread_bytes(blocks) : w0;
      spread_codes(w, p, blocks, w0);
      if (pair) spread_codes(w, p + 1, blocks, w1);
      run_panels<Body, WholeInt8<true>>(registers, x, blocks, tiles, channels, pair, w0, w1, whole, {});
    }
  } else {
    multiply_slices<Body, WholeInt8<false>>(registers, x, blocks, output, tiles, panels, blocks.total_words);
  }
  registers.release();
}

}  // namespace amx
}  // namespace
}  // namespace swiftlet::kernels
