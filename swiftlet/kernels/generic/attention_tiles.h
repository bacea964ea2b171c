// The products of attention in bf16 over tile registers: a body of generic/attention_rounded.h. Tiles: one of
// the two bodies of tile.h.
//
//   R tiles of pairs, up to 16 each   N tiles of 16 keys, or of 16 columns of the values   R * N <= 4
#pragma once

#include "swiftlet/kernels/amx/tile.h"
#include "swiftlet/kernels/generic/attention_rounded.h"

namespace swiftlet::kernels {
namespace {
namespace amx {

template <class Tiles>
class AttentionTiles {
 public:
  explicit AttentionTiles(std::int64_t tile_pairs) : rows_(tile_pairs) {
    tiles_.configure(config_of(rows_, kTileWords));
  }
  ~AttentionTiles() { tiles_.release(); }
  AttentionTiles(const AttentionTiles&) = delete;
  AttentionTiles& operator=(const AttentionTiles&) = delete;

  void multiply_keys(const Chunk& chunk, std::int64_t first, std::int64_t pairs) {
    constexpr std::int64_t kStepWords = kTileWords * kKeyBlock;
    const std::int64_t apart = pairs - rows_, words = key_words(chunk.args.spec);
    const Rows queries{chunk.query(first), chunk.query(first + apart), words};
    float* scores = chunk.scratch.scores;
    for (std::int64_t block = 0; block < chunk.blocks;) {
      prefetch_beside_keys(chunk, block);
      const auto keys = [&](std::int64_t k, int n) {
        return chunk.keys[block + n / 2] + k * kStepWords + n % 2 * kTileWords;
      };
      const Sums sums{scores + block * kKeyBlock, scores + apart * kKeyChunk + block * kKeyBlock, kKeyChunk};
      if (apart > 0)
        multiply<2, 2>(queries, words / kTileWords, keys, kKeyBlock, sums), ++block;
      else if (block + 1 < chunk.blocks)
        prefetch_beside_keys(chunk, block + 1),
            multiply<1, 4>(queries, words / kTileWords, keys, kKeyBlock, sums), block += 2;
      else
        multiply<1, 2>(queries, words / kTileWords, keys, kKeyBlock, sums), ++block;
    }
  }

  void multiply_values(const Chunk& chunk, std::int64_t first, std::int64_t pairs) {
    const std::int64_t apart = pairs - rows_, columns = value_columns(chunk.args.spec);
    const auto* words = reinterpret_cast<const std::uint32_t*>(chunk.scratch.scores);
    const Rows probabilities{words, words + apart * kKeyChunk, kKeyChunk};
    for (std::int64_t column = 0; column < columns;) {
      const auto values = [&](std::int64_t k, int n) { return chunk.values[k] + column + n * kTileWords; };
      const Sums sums{chunk.state(first) + column, chunk.state(first + apart) + column,
                      state_floats(chunk.args.spec)};
      const std::int64_t left = (columns - column) / kTileWords;
      if (apart > 0 && left >= 2)
        multiply<2, 2>(probabilities, chunk.blocks, values, columns, sums), column += 2 * kTileWords;
      else if (apart > 0)
        multiply<2, 1>(probabilities, chunk.blocks, values, columns, sums), column += kTileWords;
      else if (left >= 4)
        multiply<1, 4>(probabilities, chunk.blocks, values, columns, sums), column += 4 * kTileWords;
      else if (left >= 2)
        multiply<1, 2>(probabilities, chunk.blocks, values, columns, sums), column += 2 * kTileWords;
      else
        multiply<1, 1>(probabilities, chunk.blocks, values, columns, sums), column += kTileWords;
    }
  }

 private:
  // Rows of words, and sums, of the first tile and of the second.
  struct Rows {
    const std::uint32_t *first, *second;
    std::int64_t ld;
  };
  struct Sums {
    float *first, *second;
    std::int64_t ld;
  };

  // sums = a times b, in `count` steps of 32 products. b(k, n): where tile n of step k lies.
  template <int R, int N, class B>
  [[gnu::always_inline]] void multiply(const Rows& a, std::int64_t count, const B& b, std::int64_t ldb,
                                       const Sums& sums) {
    constexpr std::int64_t kWordBytes = 4;
    each_sum<R, N>([&](auto tile, int, int) { tiles_.template zero<tile.value>(); });
    for (std::int64_t k = 0; k < count; ++k) {
      tiles_.template load<4>(a.first + k * kTileWords, a.ld * kWordBytes);
      if constexpr (R > 1) tiles_.template load<5>(a.second + k * kTileWords, a.ld * kWordBytes);
      tiles_.template load<6>(b(k, 0), ldb * kWordBytes);
      tiles_.template dot_bf16<0, 4, 6>();
      if constexpr (R > 1) tiles_.template dot_bf16<2, 5, 6>();
      if constexpr (N > 1) {
        tiles_.template load<7>(b(k, 1), ldb * kWordBytes);
        tiles_.template dot_bf16<1, 4, 7>();
        if constexpr (R > 1) tiles_.template dot_bf16<3, 5, 7>();
      }
      if constexpr (N > 2) {
        tiles_.template load<6>(b(k, 2), ldb * kWordBytes);
        tiles_.template dot_bf16<2, 4, 6>();
        tiles_.template load<7>(b(k, 3), ldb * kWordBytes);
        tiles_.template dot_bf16<3, 4, 7>();
      }
    }
    each_sum<R, N>([&](auto tile, int r, int n) {
      tiles_.template store<tile.value>((r == 0 ? sums.first : sums.second) + n * kTileWords,
                                        sums.ld * kWordBytes);
    });
  }

  template <int kTile>
  struct Number {
    static constexpr int value = kTile;
  };
  // Visits the sums of R x N tiles with their places: 2 r + n where there are two tiles of pairs.
  template <int R, int N, class Visit>
  [[gnu::always_inline]] static void each_sum(const Visit& visit) {
    visit(Number<0>{}, 0, 0);
    if constexpr (N > 1) visit(Number<1>{}, 0, 1);
    if constexpr (N > 2) visit(Number<2>{}, 0, 2), visit(Number<3>{}, 0, 3);
    if constexpr (R > 1) visit(Number<2>{}, 1, 0);
    if constexpr (R > 1 && N > 1) visit(Number<3>{}, 1, 1);
  }

  Tiles tiles_;
  std::int64_t rows_;  // pairs of a tile
};

}  // namespace amx
}  // namespace
}  // namespace swiftlet::kernels
