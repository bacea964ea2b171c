// Products of floats: each output is one chain of dot instructions over K, in f32 or in bf16 pairs. Included
// by one file per arithmetic.
//
//   R rows of a tile   P panels of a tile
#pragma once

#include <cstdint>

#include "swiftlet/kernels/linear_kernels.h"

namespace swiftlet::kernels {
namespace {

// Some steps of one tile meeting up to P panels. The sums rest in y between two blocks of K.
struct ChainJob {
  const PanelView* weight;
  std::int64_t panel;          // the first of them
  const std::uint32_t* words;  // [steps][R]
  const std::byte* codes;      // of the first panel and step
  std::int64_t panel_stride;   // bytes from one panel to the next
  std::int64_t panels;         // that exist, at most P
  std::int64_t channels;       // of them
  std::int64_t steps;
  bool first, last;   // block of K
  const float* bias;  // of the first channel, or null
  float* y;           // [R, ldy] from the first channel
  std::int64_t ldy;
};

// The panels that the tiles of this range meet together: few rows are bound by memory, then more streams
// help.
template <class Chain>
inline std::int64_t panels_together(const PreparedRows& x, Range tiles) {
  return Chain::panels(tile_row(x, tiles.begin + 1) - tile_row(x, tiles.begin));
}

// One block of K, steps [k.begin, k.end), of all tiles meeting the panels from codes on.
template <class Chain>
inline void run_tiles(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels, Range k,
                      const std::byte* codes, std::int64_t panel_stride) {
  const std::int64_t steps = x.padded_k / x.columns_per_word, column = panels.begin * kPanelRows;
  const std::int64_t width = (panels.end - panels.begin) * kPanelRows,
                     left = output.weight.geometry.n - column;
  ChainJob job{.weight = &output.weight,
               .panel = panels.begin,
               .codes = codes,
               .panel_stride = panel_stride,
               .panels = panels.end - panels.begin,
               .channels = left < width ? left : width,
               .steps = k.end - k.begin,
               .first = k.begin == 0,
               .last = k.end == steps,
               .bias = output.bias == nullptr ? nullptr : output.bias + column,
               .ldy = output.ldy};
  for (std::int64_t tile = tiles.begin; tile < tiles.end; ++tile) {
    const std::int64_t first = tile_row(x, tile), rows = tile_row(x, tile + 1) - first;
    job.words = x.words + first * steps + k.begin * rows;
    job.y = output.y + first * output.ldy + column;
    Chain::run(rows, job);
    if (job.last) Chain::activate(output.activation, job.y, job.ldy, static_cast<int>(rows), job.channels);
  }
}

}  // namespace
}  // namespace swiftlet::kernels
