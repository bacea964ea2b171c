// How x and weights lie for tile products. In both arithmetics a row is groups of 32-bit words (four int8 or
// two bf16 columns), and a block is the words of one group that one tile takes: 16, or all of a smaller
// group.
//
// A tile of r rows of x is [groups][blocks of a group][r][words of a block], zeros where a group ends within
// a block. A panel has [words][16 channels] as it lies in memory, and is read there where it is whole blocks
// of bytes; other panels are spread out in scratch memory first (spread_panel.h).
#pragma once

#include "swiftlet/kernels/amx/lanes.h"
#include "swiftlet/kernels/amx/tile.h"
#include "swiftlet/kernels/linear_kernels.h"

namespace swiftlet::kernels {
namespace {
namespace amx {

constexpr std::int64_t kRowBytes = 4 * kTileWords;  // of a word of sixteen channels

struct Blocks {
  std::int64_t groups, group_words;  // of a full group
  std::int64_t total_words;          // of a row
  std::int64_t words, per_group;     // of a block; blocks of a full group

  std::int64_t words_of(std::int64_t group) const {
    return group + 1 < groups ? group_words : total_words - group * group_words;
  }
  std::int64_t count() const { return groups * per_group; }
  std::int64_t full() const { return total_words / words; }             // of rows that are one group
  std::int64_t row_words() const { return count() * words; }            // of x, with its zeros
  std::int64_t panel_bytes() const { return row_words() * kRowBytes; }  // spread out
};

inline Blocks blocks_of(std::int64_t groups, std::int64_t group_words, std::int64_t total_words) {
  const std::int64_t words = group_words < kTileWords ? group_words : kTileWords;
  return {groups, group_words, total_words, words, (group_words + words - 1) / words};
}
inline Blocks blocks_of(const PreparedRows& x) {
  return blocks_of(x.groups, x.padded_group / x.columns_per_word, x.padded_k / x.columns_per_word);
}

// Columns of x into words, sixteen at a time: convert(values, converted) makes Converted of Floats.
template <class Converted, class Convert>
[[gnu::always_inline]] inline void convert_columns(const float* x, std::int64_t count, std::uint32_t* words,
                                                   Convert convert) {
  Floats values;
  Converted converted;
  auto* to = reinterpret_cast<std::byte*>(words);
  for (; count >= kLaneCount; count -= kLaneCount, x += kLaneCount, to += sizeof converted) {
    load_lanes(values, x);
    convert(values, converted);
    store_lanes(to, converted);
  }
  if (count <= 0) return;
  load_some(values, x, count);
  convert(values, converted);
  __builtin_memcpy(to, &converted, static_cast<std::size_t>(count) * (sizeof converted / kLaneCount));
}

// One row of a tile of `rows`. convert(x, count, to) turns up to a block of columns into words and leaves
// what is beyond `count` columns alone; done(group) follows each group.
template <class Convert, class Done>
inline void prepare_row(const PreparedRows& p, const Blocks& blocks, const float* x, Convert& convert,
                        std::uint32_t* to, std::int64_t rows, Done done) {
  const std::int64_t block_columns = blocks.words * p.columns_per_word;
  for (std::int64_t g = 0; g < p.groups; ++g) {
    const std::int64_t begin = g * p.group, end = g + 1 == p.groups ? p.k : begin + p.group;
    for (std::int64_t b = 0; b < blocks.per_group; ++b, to += rows * blocks.words) {
      const std::int64_t c = begin + b * block_columns;
      const std::int64_t left = end - c < 0 ? 0 : end - c;
      if (left < block_columns) __builtin_memset(to, 0, static_cast<std::size_t>(blocks.words) * 4);
      convert(x + c, left < block_columns ? left : block_columns, to);
    }
    done(g);
  }
}

// Calls row(row number, its first word, rows of the tile, its first sum) for every row of the tiles.
template <class Row>
inline void for_rows(const PreparedRows& p, const Blocks& blocks, Range tiles, Row row) {
  for (std::int64_t tile = tiles.begin; tile < tiles.end; ++tile) {
    const std::int64_t first = tile_row(p, tile), rows = tile_row(p, tile + 1) - first;
    for (std::int64_t r = 0; r < rows; ++r)
      row(first + r, p.words + first * blocks.row_words() + r * blocks.words, rows, row_sums(p, first, r));
  }
}

}  // namespace amx
}  // namespace
}  // namespace swiftlet::kernels
