// Products in int8: what the instruction sets share around their tiles. Included by files of an instruction
// set.
#pragma once

#include <cstdint>

#include "swiftlet/kernels/linear_kernels.h"

namespace swiftlet::kernels {
namespace {

struct RowScale {
  float scale, inverse;
};

// From the largest magnitude of a row, as bits: magnitudes order as integers, infinity and NaN above all.
inline RowScale row_scale(std::int32_t bits) {
  if (bits >= 0x7f800000) return {__builtin_nanf(""), 0};
  float magnitude;
  __builtin_memcpy(&magnitude, &bits, sizeof magnitude);
  if (magnitude < 0x1p-100f) return {0, 0};
  return {magnitude / 127.0f, 127.0f / magnitude};
}

// A row without codes.
inline void clear_row(const PreparedRows& p, std::uint32_t* words, std::int64_t stride, std::int32_t* sums) {
  for (std::int64_t i = 0; i < p.padded_k / 4; ++i) words[i * stride] = 0;
  for (std::int64_t g = 0; g < p.groups; ++g) sums[g * stride] = 0;
}

// One tile of R rows meeting a few panels.
struct Int8Job {
  const std::uint32_t* words;  // [padded_k / 4][R]
  const std::int32_t* sums;    // [groups][R]
  const float* scales;         // [R]
  const PanelView* weight;
  std::int64_t panel, panels_left;  // the first of the panels and how many there are
  std::int64_t channels;            // of them
  const float* bias;                // of its first channel, or null
  float* y;                         // [R, ldy] from its first channel
  std::int64_t ldy;
};

template <class Tiles>
inline void multiply_tile(const PreparedRows& x, const LinearOutput& output, std::int64_t tile,
                          Range panels) {
  const std::int64_t first = tile_row(x, tile), rows = tile_row(x, tile + 1) - first;
  const std::int64_t column = panels.begin * kPanelRows, width = (panels.end - panels.begin) * kPanelRows;
  const std::int64_t left = output.weight.geometry.n - column;
  const Int8Job job{.words = x.words + first * (x.padded_k / 4),
                    .sums = x.sums + first * x.groups,
                    .scales = x.scales + first,
                    .weight = &output.weight,
                    .panel = panels.begin,
                    .panels_left = panels.end - panels.begin,
                    .channels = left < width ? left : width,
                    .bias = output.bias == nullptr ? nullptr : output.bias + column,
                    .y = output.y + first * output.ldy + column,
                    .ldy = output.ldy};
  Tiles::run(output.weight.encoding.format, x.groups > 1, rows, job);
  Tiles::activate(output.activation, job.y, job.ldy, static_cast<int>(rows), job.channels);
}

// Tiles brings panels(format, grouped, rows), the panels that a tile of that height meets at once,
// run(format, grouped, rows, job) and activate(activation, y, ldy, rows, columns). Tiles of one call differ
// in height by one and all meet as many panels as the first: panels() must not change between two such
// heights, which are at least half of the largest.
template <class Tiles>
inline void multiply_int8(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels) {
  const std::int64_t height = tile_row(x, tiles.begin + 1) - tile_row(x, tiles.begin);
  const std::int64_t step = Tiles::panels(output.weight.encoding.format, x.groups > 1, height);
  for (std::int64_t p = panels.begin; p < panels.end; p += step) {
    const Range together{p, p + step < panels.end ? p + step : panels.end};
    for (std::int64_t tile = tiles.begin; tile < tiles.end; ++tile)
      multiply_tile<Tiles>(x, output, tile, together);
  }
}

}  // namespace
}  // namespace swiftlet::kernels
