// Disentangled attention (DeBERTa, He et al., 2021): the score of two tokens is the sum of three products, of
// their contents, of the query's content with the key's relative position, and of the key's content with the
// query's:
//
//   score[i, j] = scale * (q_i . k_j + q_i . pk_b + k_j . pq_b),  b = bucket of i - j
//
//   T tokens   H heads   D head size   B rows of the position tables
//
// Made of row kernels, one head of one sequence at a time: its sequences are short, and the tables of
// products with positions are as large as the scores anyway. What a sequence becomes does not depend on
// others.
#pragma once

#include <cstddef>
#include <cstdint>

#include "swiftlet/core/thread_pool.h"
#include "swiftlet/kernels/attention.h"

namespace swiftlet::kernels {

struct DisentangledArgs {
  int heads = 0, head_dim = 0;
  float scale = 0;
  const float *q = nullptr, *k = nullptr, *v = nullptr;               // [T, H * D]
  const float *position_keys = nullptr, *position_queries = nullptr;  // [B, H * D], or null
  const std::int32_t* buckets = nullptr;  // [2 * most - 1]: row of the distance i - j + most - 1, ascending
  std::int64_t most = 0;                  // tokens of a sequence; distances beyond count as the farthest
  const Segment* segments = nullptr;
  int segment_count = 0;
  float* y = nullptr;  // [T, H * D]
};

// For sequences of up to `longest` tokens over tables of `rows` rows.
std::size_t disentangled_workspace(int head_dim, std::int64_t longest, std::int64_t rows, int threads);
// `longest` as it was planned; the workspace is 64-byte aligned.
void disentangled_attention(const KernelTable& table, ThreadPool& pool, const DisentangledArgs& args,
                            std::int64_t longest, std::int64_t rows, std::byte* workspace) noexcept;

}  // namespace swiftlet::kernels
