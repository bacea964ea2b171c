// Products of floats: each output is one chain of dot instructions over K, in f32 or in bf16 pairs. Included
// by one file per arithmetic.
//
//   R rows of a tile   P panels of a tile
#pragma once

#include "swiftlet/kernels/avx512/epilogue.h"
#include "swiftlet/kernels/avx512/tile.h"

namespace swiftlet::kernels {
namespace {
namespace avx512 {

constexpr int kChainRows = 12;
constexpr std::int64_t kWidePanels = 4;  // of tiles of up to kWideRows rows, bound by memory
constexpr std::int64_t kWideRows = 4;
constexpr std::int64_t kNarrowPanels = 2;

// Some steps of one tile meeting up to P panels. The sums rest in y between two blocks of K.
struct ChainJob {
  const std::uint32_t* words;  // [steps][R]
  const std::byte* codes;      // of the first panel and step: sixteen words a step
  std::int64_t panel_stride;   // bytes from one panel to the next
  std::int64_t panels;         // that exist, at most P
  std::int64_t channels;       // from the first panel's first to N
  std::int64_t steps;
  bool first, last;   // block of K
  const float* bias;  // of the first channel, or null
  float* y;           // [R, ldy] from the first channel
  std::int64_t ldy;
};

template <class Dot, int R, int P>
void run_chain(const ChainJob& job) {
  Tile<V, R, P> sums;
  for_tile(
      sums, [&](V & sum, int r, int p) __attribute__((always_inline)) {
        sum = job.first ? _mm512_setzero_ps()
                        : _mm512_maskz_loadu_ps(panel_lanes(job.channels, p), job.y + r * job.ldy + p * 16);
      });
  const Pointers<P> at = panel_pointers<P>(job.codes, job.panel_stride, job.panels);
  const std::uint32_t* x = job.words;
  std::int64_t offset = 0, i = 0;
  for (; i + 2 <= job.steps; i += 2) {
    dot_tile<Dot>(sums, load_words(at, offset), x);
    dot_tile<Dot>(sums, load_words(at, offset + 64), x + R);
    offset += 128;
    x += 2 * R;
  }
  if (i < job.steps) dot_tile<Dot>(sums, load_words(at, offset), x);
  const bool biased = job.last && job.bias != nullptr;
  for_tile(
      sums, [&](V & sum, int r, int p) __attribute__((always_inline)) {
        const __mmask16 mask = panel_lanes(job.channels, p);
        if (biased) sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, job.bias + p * 16));
        _mm512_mask_storeu_ps(job.y + r * job.ldy + p * 16, mask, sum);
      });
}

template <class Dot>
inline void run_chain_of(std::int64_t rows, const ChainJob& job) {
  using Run = void (*)(const ChainJob&);
  static constexpr Run kRun[] = {run_chain<Dot, 1, 4>,  run_chain<Dot, 2, 4>,  run_chain<Dot, 3, 4>,
                                 run_chain<Dot, 4, 4>,  run_chain<Dot, 5, 2>,  run_chain<Dot, 6, 2>,
                                 run_chain<Dot, 7, 2>,  run_chain<Dot, 8, 2>,  run_chain<Dot, 9, 2>,
                                 run_chain<Dot, 10, 2>, run_chain<Dot, 11, 2>, run_chain<Dot, 12, 2>};
  kRun[rows - 1](job);
}

// The panels that the tiles of this height meet together.
inline std::int64_t panels_together(const PreparedRows& x, Range tiles) {
  const std::int64_t height = tile_row(x, tiles.begin + 1) - tile_row(x, tiles.begin);
  return height <= kWideRows ? kWidePanels : kNarrowPanels;
}

// One block of K, steps [k.begin, k.end), of all tiles meeting the panels from codes on.
template <class Dot>
inline void run_tiles(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels, Range k,
                      const std::byte* codes, std::int64_t panel_stride) {
  const std::int64_t steps = x.padded_k / x.columns_per_word, column = panels.begin * kPanelRows;
  ChainJob job{.codes = codes,
               .panel_stride = panel_stride,
               .panels = panels.end - panels.begin,
               .channels = output.weight.geometry.n - column,
               .steps = k.end - k.begin,
               .first = k.begin == 0,
               .last = k.end == steps,
               .bias = output.bias == nullptr ? nullptr : output.bias + column,
               .ldy = output.ldy};
  const std::int64_t width = job.panels * kPanelRows;
  for (std::int64_t tile = tiles.begin; tile < tiles.end; ++tile) {
    const std::int64_t first = tile_row(x, tile), rows = tile_row(x, tile + 1) - first;
    job.words = x.words + first * steps + k.begin * rows;
    job.y = output.y + first * output.ldy + column;
    run_chain_of<Dot>(rows, job);
    if (job.last)
      activate_block(output.activation, job.y, job.ldy, static_cast<int>(rows),
                     job.channels < width ? job.channels : width);
  }
}

}  // namespace avx512
}  // namespace
}  // namespace swiftlet::kernels
