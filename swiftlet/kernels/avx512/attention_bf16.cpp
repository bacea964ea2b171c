// Attention with products in bf16 (VDPBF16PS).
#include "swiftlet/kernels/avx512/avx512.h"
#include "swiftlet/kernels/avx512/vec_bf16.h"
#include "swiftlet/kernels/generic/attention_rounded.h"
#include "swiftlet/kernels/generic/inner_loop.h"

namespace swiftlet::kernels {
namespace {

// c[i] = sum over the blocks and their rows of words: a[i][..] times columns [0, NV * kLanes) of b.
template <int NQ, int NV>
[[gnu::noinline]] void dot_tile(const std::uint32_t* const* a, const std::uint32_t* const* blocks,
                                std::int64_t count, std::int64_t column, std::int64_t rows, std::int64_t ldb,
                                float* const* c) {
  Vec sum[NQ][NV];
#pragma GCC unroll 8
  for (int i = 0; i < NQ; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) sum[i][v] = zero();
  std::int64_t word = 0;
  for (std::int64_t block = 0; block < count; ++block) {
    const std::uint32_t* b = blocks[block] + column;
#pragma GCC unroll 1
    for (const std::int64_t end = word + rows; word < end; ++word, b += ldb) {
      mark_inner_loop();
      IntVec row[NV];
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) row[v] = load_words(b + v * kLanes);
#pragma GCC unroll 8
      for (int i = 0; i < NQ; ++i) {
        const IntVec left = splat_word(a[i][word]);
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v) sum[i][v] = dot(left, row[v], sum[i][v]);
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < NQ; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) store(c[i] + v * kLanes, sum[i][v]);
}

// dot_tile<pairs, NV>, for 1 <= pairs <= kTilePairs.
template <int NV, int NQ = kTilePairs>
inline void dot_rows(std::int64_t pairs, const std::uint32_t* const* a, const std::uint32_t* const* blocks,
                     std::int64_t count, std::int64_t column, std::int64_t rows, std::int64_t ldb,
                     float* const* c) {
  if constexpr (NQ > 1)
    if (pairs < NQ) return dot_rows<NV, NQ - 1>(pairs, a, blocks, count, column, rows, ldb, c);
  dot_tile<NQ, NV>(a, blocks, count, column, rows, ldb, c);
}

class AttentionDots {
 public:
  explicit AttentionDots(std::int64_t) {}

  void multiply_keys(const Chunk& chunk, std::int64_t first, std::int64_t pairs) {
    const std::int64_t words = key_words(chunk.args.spec);
    each_tile(pairs, [&](std::int64_t begin, std::int64_t count) {
      const std::uint32_t* q[kTilePairs];
      float* scores[kTilePairs];
      for (std::int64_t i = 0; i < count; ++i) {
        q[i] = chunk.query(first + begin + i);
        scores[i] = chunk.scratch.scores + (begin + i) * kKeyChunk;
      }
      for (std::int64_t block = 0; block < chunk.blocks; ++block) {
        if (begin == 0) prefetch_beside_keys(chunk, block);
        dot_rows<2>(count, q, chunk.keys + block, 1, 0, words, kKeyBlock, scores);
        for (std::int64_t i = 0; i < count; ++i) scores[i] += kKeyBlock;
      }
    });
  }

  void multiply_values(const Chunk& chunk, std::int64_t first, std::int64_t pairs) {
    const std::int64_t columns = value_columns(chunk.args.spec);
    each_tile(pairs, [&](std::int64_t begin, std::int64_t count) {
      const std::uint32_t* p[kTilePairs];
      float* sums[kTilePairs];
      for (std::int64_t i = 0; i < count; ++i) {
        p[i] = reinterpret_cast<const std::uint32_t*>(chunk.scratch.scores + (begin + i) * kKeyChunk);
        sums[i] = chunk.state(first + begin + i);
      }
      std::int64_t column = 0;
      for (; column + 2 * kLanes <= columns; column += 2 * kLanes) {
        dot_rows<2>(count, p, chunk.values, chunk.blocks, column, kHalfBlock, columns, sums);
        for (std::int64_t i = 0; i < count; ++i) sums[i] += 2 * kLanes;
      }
      if (column < columns)
        dot_rows<1>(count, p, chunk.values, chunk.blocks, column, kHalfBlock, columns, sums);
    });
  }

 private:
  // Tiles of nearly equal size.
  template <class Visit>
  static void each_tile(std::int64_t pairs, const Visit& visit) {
    const std::int64_t tiles = (pairs + kTilePairs - 1) / kTilePairs;
    for (std::int64_t tile = 0; tile < tiles; ++tile) {
      const std::int64_t begin = pairs * tile / tiles, end = pairs * (tile + 1) / tiles;
      visit(begin, end - begin);
    }
  }
};

// Codes of int8 become f32 in registers as fast as they become words; and then nothing need be rounded.
void attend(const AttentionArgs& args, const AttentionPart& part, std::int64_t chunk, std::byte* scratch,
            float* states) noexcept {
  if (args.kv.dtype == DType::kI8)
    avx512_attention_kernels().attend_chunk(args, part, chunk, scratch, states);
  else
    attend_chunk_bf16<AttentionDots>(args, part, chunk, scratch, states);
}

}  // namespace

AttendChunk* avx512_attend_chunk_bf16() {
  return attend;
}

}  // namespace swiftlet::kernels
