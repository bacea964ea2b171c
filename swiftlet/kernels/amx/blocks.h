// How x and weights lie for tile products. In both arithmetics a row is groups of 32-bit words (four int8 or
// two bf16 columns), and a block is the words of one group that one tile takes: 16, or all of a smaller
// group.
//
// A tile of r rows of x is [groups][blocks of a group][r][words of a block], zeros where a group ends within
// a block. A panel has [words][16 channels] as it lies in memory; only blocks that end early and nibbles are
// copied aside.
#pragma once

#include "swiftlet/kernels/amx/tile.h"
#include "swiftlet/kernels/linear_kernels.h"

namespace swiftlet::kernels {
namespace {
namespace amx {

struct Blocks {
  std::int64_t groups, group_words;  // of a full group
  std::int64_t total_words;          // of a row
  std::int64_t words, per_group;     // of a block; blocks of a full group

  std::int64_t words_of(std::int64_t group) const {
    return group + 1 < groups ? group_words : total_words - group * group_words;
  }
  std::int64_t row_words() const { return groups * per_group * words; }  // of x, with its zeros
};

inline Blocks blocks_of(const PreparedRows& x) {
  Blocks b;
  b.groups = x.groups;
  b.group_words = x.padded_group / x.columns_per_word;
  b.total_words = x.padded_k / x.columns_per_word;
  b.words = b.group_words < kTileWords ? b.group_words : kTileWords;
  b.per_group = (b.group_words + b.words - 1) / b.words;
  return b;
}

// One row of a tile of `rows`. A Convert turns up to a block of columns into words: store(x, count, to),
// which leaves what is beyond `count` columns alone; done(group) follows each group.
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
      convert.store(x + c, left < block_columns ? left : block_columns, to);
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

constexpr std::int64_t kRowBytes = 4 * kTileWords;  // of a word of sixteen channels
struct alignas(64) BlockBuffer {
  std::uint8_t bytes[kTileWords * kRowBytes];
};

// The `count` words of a panel that end a group, as a tile of `words` reads them: zeros follow.
inline const std::uint8_t* fill_up(const std::uint8_t* codes, std::int64_t count, std::int64_t words,
                                   BlockBuffer& buffer) {
  __builtin_memcpy(buffer.bytes, codes, static_cast<std::size_t>(count * kRowBytes));
  __builtin_memset(buffer.bytes + count * kRowBytes, 0,
                   static_cast<std::size_t>((words - count) * kRowBytes));
  return buffer.bytes;
}
// The same of nibbles, whose rows hold two words each.
inline const std::uint8_t* expand_nibbles(const std::uint8_t* codes, std::int64_t count, std::int64_t words,
                                          BlockBuffer& buffer) {
  std::uint8_t* to = buffer.bytes;
  for (std::int64_t i = 0; i < count; i += 2, codes += kRowBytes, to += 2 * kRowBytes)
    for (int j = 0; j < kRowBytes; ++j) {
      const std::uint8_t both = codes[j];
      to[j] = both & 15;
      to[j + kRowBytes] = both >> 4;
    }
  __builtin_memset(to, 0, static_cast<std::size_t>((words - count) * kRowBytes));
  return buffer.bytes;
}

}  // namespace amx
}  // namespace
}  // namespace swiftlet::kernels
