// Matrix products in int8 over tile registers: bytes of x signed, codes of the weight unsigned, sums exact in
// int32. What follows the sums is that of the vector tables, so the bits are theirs.
#pragma once

#include "swiftlet/encoding/int4.h"
#include "swiftlet/encoding/int8.h"
#include "swiftlet/kernels/amx/linear_tiles.h"
#include "swiftlet/kernels/generic/int8_job.h"

namespace swiftlet::kernels {
namespace {
namespace amx {

bool supports_int8(const Encoding& encoding) noexcept {
  return encoding.format == Format::kInt8 || encoding.format == Format::kInt4;
}
inline std::int32_t largest_magnitude(const float* x, std::int64_t k) {
  std::int32_t most = 0;  // as bits: magnitudes order as integers, infinity and NaN above all
  for (std::int64_t c = 0; c < k; ++c) {
    const auto bits = static_cast<std::int32_t>(bits_of(x[c]) & 0x7fffffffu);
    most = bits > most ? bits : most;
  }
  return most;
}

// Rounds x * inverse to codes within ±127 and sums them.
struct ConvertInt8 {
  float inverse;
  std::int32_t sum = 0;

  void store(const float* x, std::int64_t count, std::uint32_t* words) {
    auto* codes = reinterpret_cast<std::int8_t*>(words);
    std::int32_t total = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      // Adding 1.5 * 2^23 leaves the nearest integer, ties to even, in the low bits.
      const std::uint32_t code = bits_of(x[i] * inverse + 0x1.8p23f) - 0x4b400000u;
      codes[i] = static_cast<std::int8_t>(code);
      total += static_cast<std::int32_t>(code);
    }
    sum += total;
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
      for (std::int64_t b = 0; b < p.groups * blocks.per_group; ++b)
        __builtin_memset(to + b * rows * blocks.words, 0, static_cast<std::size_t>(blocks.words) * 4);
      for (std::int64_t g = 0; g < p.groups; ++g) sums[g * rows] = 0;
      return;
    }
    prepare_row(p, blocks, from, convert, to, rows, [&](std::int64_t g) {
      sums[g * rows] = convert.sum;
      convert.sum = 0;
    });
  });
}

inline float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16, rest = half & 0x7fff;
  const float finite = float_of(rest << 13) * 0x1p112f;
  return float_of(sign | (rest >= 0x7c00 ? 0x7f800000u | (rest << 13) : bits_of(finite)));
}

struct Int8 {
  using Sum = std::int32_t;
  template <int kC, int kA, int kB, class Tiles>
  static void dot(Tiles& tiles) {
    tiles.template dot_int8<kC, kA, kB>();
  }
};
// Scales and zero points of one group of one panel.
struct GroupOf {
  alignas(64) float scale[kPanelRows];
  alignas(64) std::int32_t zero_point[kPanelRows];
};

inline void load_group(const PanelView& w, std::int64_t panel, std::int64_t group, GroupOf& g) {
  const std::int64_t at = (panel * w.geometry.groups + group) * kPanelRows;
  const int symmetric = w.encoding.format == Format::kInt8 ? Int8Codes::kZeroPoint : Int4Codes::kZeroPoint;
  if (w.geometry.scale_bytes == 2) {
    std::uint16_t halves[kPanelRows];
    __builtin_memcpy(halves, w.scales + at * 2, sizeof halves);
    for (int i = 0; i < kPanelRows; ++i) g.scale[i] = half_to_float(halves[i]);
  } else {
    __builtin_memcpy(g.scale, w.scales + at * 4, sizeof g.scale);
  }
  for (int i = 0; i < kPanelRows; ++i)
    g.zero_point[i] = w.zero_points == nullptr ? symmetric : w.zero_points[at + i];
}

// total += scale * (sum - zero point * sum of the codes of x)
inline void add_group(float (*total)[kPanelRows], const std::int32_t (*sums)[kPanelRows], const GroupOf& g,
                      const std::int32_t* x_sums, std::int64_t rows) {
  for (std::int64_t r = 0; r < rows; ++r)
    for (int i = 0; i < kPanelRows; ++i)
      total[r][i] = __builtin_fmaf(static_cast<float>(sums[r][i] - g.zero_point[i] * x_sums[r]), g.scale[i],
                                   total[r][i]);
}

struct RunInt8 {
  template <class Body, int R, int P>
  static void run(typename Body::Tiles& tiles, const Job& job) {
    Sums<std::int32_t> sums;
    Sums<float> total;
    __builtin_memset(&total, 0, sizeof total);
    for (std::int64_t g = 0; g < job.blocks.groups; ++g) {
      multiply_group<Int8, R, P>(tiles, job, g, sums);
      for (int p = 0; p < P; ++p) {
        GroupOf group;
        load_group(job.output.weight, job.panel + p, g, group);
        for (int r = 0; r < R; ++r)
          add_group(total.at[r][p], sums.at[r][p], group,
                    job.x.sums + job.first_row(r) * job.x.groups + g * job.rows(r), job.rows(r));
      }
    }
    for (int r = 0; r < R; ++r)
      for (int p = 0; p < P; ++p)
        finish<Body>(job, r, p, [&](std::int64_t row, int i, float bias) {
          return __builtin_fmaf(total.at[r][p][row][i], job.x.scales[job.first_row(r) + row], bias);
        });
  }
};

}  // namespace amx
}  // namespace
}  // namespace swiftlet::kernels
