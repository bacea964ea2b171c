// Rows of x into the words of tiles.
#pragma once

#include <immintrin.h>

#include "swiftlet/kernels/avx512/math.h"
#include "swiftlet/kernels/linear_kernels.h"

namespace swiftlet::kernels {
namespace {
namespace avx512 {

// Sixteen columns as Convert::kWords words; filled-up columns come in as zeros.
struct ConvertF32 {
  static constexpr int kWords = 16;
  static void store(V x, std::uint32_t* words) { _mm512_store_ps(words, x); }
};

// words[i * stride] for the columns [begin, end) of one group, filled up to `padded` columns.
template <class Convert>
inline void prepare_group(const float* x, std::int64_t begin, std::int64_t end, std::int64_t padded,
                          Convert& convert, std::uint32_t* words, std::int64_t stride) {
  constexpr int kColumnsPerWord = 16 / Convert::kWords;
  alignas(64) std::uint32_t chunk[Convert::kWords];
  std::int64_t c = begin;
  for (; c + 16 <= end; c += 16) {
    convert.store(_mm512_loadu_ps(x + c), chunk);
    for (int i = 0; i < Convert::kWords; ++i) words[i * stride] = chunk[i];
    words += Convert::kWords * stride;
  }
  if (c >= end) return;
  convert.store(_mm512_maskz_loadu_ps(lanes(end - c), x + c), chunk);
  const std::int64_t left = (padded - (c - begin)) / kColumnsPerWord;
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
      row(first + r, p.words + first * steps + r, rows, p.sums + first * p.groups + r);
  }
}

}  // namespace avx512
}  // namespace
}  // namespace swiftlet::kernels
