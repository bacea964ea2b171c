// Rows of x into the words of tiles (linear_kernels.h). Included by files of an instruction set.
//
// A Convert turns kColumns columns into kWords words: store(x, count, words), where count < kColumns in the
// last chunk of a group, whose missing columns count as zeros.
#pragma once

#include <cstdint>

#include "swiftlet/kernels/linear_kernels.h"

namespace swiftlet::kernels {
namespace {

// words[i * stride] for the columns [begin, end) of one group, filled up to `padded` columns.
template <class Convert>
inline void prepare_group(const float* x, std::int64_t begin, std::int64_t end, std::int64_t padded,
                          Convert& convert, std::uint32_t* words, std::int64_t stride) {
  constexpr int kColumns = Convert::kColumns, kWords = Convert::kWords;
  alignas(64) std::uint32_t chunk[kWords];
  std::int64_t c = begin;
  for (; c + kColumns <= end; c += kColumns) {
    convert.store(x + c, kColumns, chunk);
    for (int i = 0; i < kWords; ++i) words[i * stride] = chunk[i];
    words += kWords * stride;
  }
  if (c >= end) return;
  convert.store(x + c, end - c, chunk);
  const std::int64_t left = (padded - (c - begin)) / (kColumns / kWords);
  for (std::int64_t i = 0; i < left; ++i) words[i * stride] = chunk[i];
}

// One row of a tile; words points to its first word. done(group) follows each group.
template <class Convert, class Done>
inline void prepare_row(const PreparedRows& p, const float* x, Convert& convert, std::uint32_t* words,
                        std::int64_t stride, Done done) {
  for (std::int64_t g = 0; g < p.groups; ++g) {
    const std::int64_t begin = g * p.group;
    const bool last = g + 1 == p.groups;
    const std::int64_t padded = last ? p.padded_k - g * p.padded_group : p.padded_group;
    prepare_group(x, begin, last ? p.k : begin + p.group, padded, convert,
                  words + g * p.padded_group / p.columns_per_word * stride, stride);
    done(g);
  }
}

// Calls row(x row, row number, its first word, words between two of its words, its first sum).
template <class Row>
inline void for_rows(const PreparedRows& p, Range tiles, Row row) {
  const std::int64_t steps = p.padded_k / p.columns_per_word;
  for (std::int64_t tile = tiles.begin; tile < tiles.end; ++tile) {
    const std::int64_t first = tile_row(p, tile), rows = tile_row(p, tile + 1) - first;
    for (std::int64_t r = 0; r < rows; ++r)
      row(first + r, p.words + first * steps + r, rows, row_sums(p, first, r));
  }
}

}  // namespace
}  // namespace swiftlet::kernels
