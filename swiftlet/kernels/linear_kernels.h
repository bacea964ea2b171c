// What an instruction set brings to linear(): how rows of x are prepared and how tiles meet panels. Internal.
//
// Prepared rows. The M rows are cut into tiles of nearly equal height r <= tile_rows. In every arithmetic one
// 32-bit word holds the columns that one dot-product instruction reads (one f32, two bf16, four int8), and a
// tile is [padded_k / columns_per_word][r] words: the kernel walks through it once, front to back. Filled-up
// columns (encoding/panel.h) are zero. (A path may order the words of a tile in its own way: amx/blocks.h
// does.)
//
// The chain of additions of one output depends on its row and its weight alone, never on r or on the tile.
#pragma once

#include <cstdint>

#include "swiftlet/kernels/linear.h"

namespace swiftlet::kernels {

struct LinearPath;

struct PreparedRows {
  const LinearPath* path = nullptr;  // that prepares and multiplies them
  Arithmetic arithmetic = Arithmetic::kF32;
  std::int64_t m = 0, k = 0;
  std::int64_t group = 0, padded_group = 0, groups = 0, padded_k = 0;  // as PanelGeometry
  std::int64_t columns_per_word = 1;
  std::int64_t tiles = 0;
  std::uint32_t* words = nullptr;  // tile after tile
  std::byte* scratch = nullptr;    // LinearPath::scratch bytes of the calling member
  // kInt8 only. x is about code * scale, codes within ±127, scale = max|x| / 127. A row with a NaN or an
  // infinity has scale NaN, a row of zeros (or of magnitudes below 2^-100) scale 0; their codes are 0.
  float* scales = nullptr;       // [M]
  std::int32_t* sums = nullptr;  // sums of codes, tile after tile [groups][r]
};

// Words of all rows, at most: a path may fill up each group to 16 words, where it has more, or each row, and
// read 16 words beyond.
static inline std::int64_t most_words(const PreparedRows& x) {
  const std::int64_t group = x.padded_group / x.columns_per_word;
  const std::int64_t row = x.groups * (group <= 16 ? group : (group + 15) / 16 * 16);
  return x.m * ((row + 15) / 16 * 16) + 16;
}

// What paths of f32 arithmetic must be able to decode. A new format makes the compiler warn here; it is
// refused until it is listed, which wants every table to decode it.
static inline bool is_decoded(const Encoding& encoding) noexcept {
  switch (encoding.format) {
    case Format::kF32:
    case Format::kF16:
    case Format::kBF16:
    case Format::kInt8:
    case Format::kInt4:
    case Format::kQ4K:
    case Format::kQ5K:
    case Format::kQ6K:
    case Format::kQ50:
    case Format::kQ4R:
      return true;
  }
  return false;
}

// First row of a tile.
static inline std::int64_t tile_row(const PreparedRows& x, std::int64_t tile) {
  return x.m * tile / x.tiles;
}

// The first sum of row `r` of the tile that begins with row `first`; null where there are none.
static inline std::int32_t* row_sums(const PreparedRows& x, std::int64_t first, std::int64_t r) {
  return x.sums == nullptr ? nullptr : x.sums + first * x.groups + r;
}

struct Range {
  std::int64_t begin = 0, end = 0;
};

// One arithmetic of one instruction set.
struct LinearPath {
  bool (*supports)(const Encoding& encoding) noexcept;
  // The largest tile height of m rows for weights with one or with several groups in a row.
  int (*tile_rows)(bool grouped, std::int64_t m) noexcept;
  // Fills words, scales and sums of the tiles from x [M, ldx].
  void (*prepare)(const PreparedRows& prepared, const float* x, std::int64_t ldx, Range tiles) noexcept;
  // y = activation(x W^T + bias) for the rows of `tiles` and the channels of `panels`.
  void (*multiply)(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels) noexcept;
  // Bytes of scratch that multiply() needs for a weight like this, whose pointers are not read; null: none.
  std::int64_t (*scratch)(const PanelView& weight) noexcept = nullptr;
  // Words of a row, at most, that meet all panels before multiply() goes on in the row; 0: the whole row. Of
  // so much of many rows the cache holds one pass.
  std::int64_t slice_words = 0;
};

// Null where the instruction set has none.
struct LinearKernels {
  const LinearPath* f32 = nullptr;
  const LinearPath* bf16 = nullptr;
  const LinearPath* int8 = nullptr;
  const LinearPath* blocks = nullptr;      // kInt8 with block formats
  const LinearPath* row_blocks = nullptr;  // with q4_r, where it has a path of its own
};

}  // namespace swiftlet::kernels
