// Scaled dot-product attention over ragged sequences, streamed with an online softmax (Milakov & Gimelshein
// 2018; Dao et al. 2022): no score matrix in memory.
//
//   T tokens   S sequences   H query heads   G key/value heads (H a multiple of G)   D head size
//
// Keys are visited in blocks of kKeyBlock counted from the sequence's first key, wherever they lie, and each
// query row is computed by itself: pure and paged attention give equal results, whatever the batch and the
// threads.
#pragma once

#include <cstdint>

#include "swiftlet/core/dtype.h"
#include "swiftlet/core/thread_pool.h"

namespace swiftlet::kernels {

struct KernelTable;

constexpr int kKeyBlock = 32;  // keys of one cache block, and of one step of the online softmax

enum class RelativeBias : std::uint8_t { kNone, kT5, kDeberta };

// The whole vocabulary of attention that the model families use; see the op `attention` for the extra inputs.
struct AttentionSpec {
  int heads = 0, kv_heads = 0;
  int head_dim = 0, value_dim = 0;  // sizes of a query/key head and of a value head
  float scale = 0;                  // multiplies q.k; usually 1 / sqrt(head_dim)
  bool causal = false;
  int window = 0;      // keys that a query sees: itself and window - 1 before it (both sides when not causal:
                       // |i-j| < window); 0: all
  float soft_cap = 0;  // scores become cap * tanh(score / cap); 0: none
  bool sinks = false;  // one learned logit a head joins the softmax's denominator
  bool alibi = false;  // slope(head) * (key position - query position) is added
  RelativeBias relative_bias = RelativeBias::kNone;
  bool log_sum_exp = false;  // a second output [T, H]
  bool operator==(const AttentionSpec&) const = default;
};

// One sequence of a batch: its rows on the query axis and its keys.
struct Segment {
  std::int32_t query_begin = 0, query_end = 0;  // rows of q
  std::int32_t key_begin = 0;                   // first row of k and v (pure attention only)
  std::int32_t keys =
      0;  // number of keys visible to the last query; the queries are the last rows of them when causal
  const std::int32_t* blocks =
      nullptr;  // [ceil(keys / kKeyBlock)] cache block numbers (paged attention only)
};

// Where keys and values lie. Row j of head g of a segment is
//   pure   data + ((key_begin + j) * ld + g * D) elements
//   paged  data + ((blocks[j / kKeyBlock] * kv_heads + g) * kKeyBlock + j % kKeyBlock) * D elements
struct KeyValues {
  const void* keys = nullptr;
  const void* values = nullptr;
  DType dtype = DType::kF32;      // kF32 or kBF16
  std::int64_t ldk = 0, ldv = 0;  // row strides in elements (pure only)
  bool paged = false;
};

struct AttentionArgs {
  AttentionSpec spec;
  const float* q = nullptr;  // [T, ldq]
  std::int64_t ldq = 0;
  KeyValues kv;
  const Segment* segments = nullptr;  // [S]
  int segment_count = 0;
  const float* sink_logits = nullptr;   // [H] when spec.sinks
  const float* alibi_slopes = nullptr;  // [H] when spec.alibi
  const float* bias = nullptr;  // kT5: [H, 2 * bias_extent - 1] by key - query + bias_extent - 1 (clamped)
  std::int64_t bias_extent = 0;
  float* y = nullptr;  // [T, ldy], heads * value_dim used
  std::int64_t ldy = 0;
  float* log_sum_exp = nullptr;  // [T, H] when spec.log_sum_exp
};

struct AttentionKernels {
  // All queries of rows [query_begin, query_end) of one segment for the query heads of one key/value head.
  void (*attend)(const AttentionArgs& args, int segment, int kv_head, std::int64_t query_begin,
                 std::int64_t query_end, std::byte* scratch) noexcept;
};

// Scratch bytes for one member of the pool times the pool's size.
std::size_t attention_workspace(const AttentionSpec& spec, int threads);
// Splits segments, heads and query blocks over the pool.
void attention(const KernelTable& table, ThreadPool& pool, const AttentionArgs& args,
               std::byte* workspace) noexcept;

// Writes row t of k and v ([T, ld], kv_heads * D used) to its place in the paged cache; slots[t] = block *
// kKeyBlock + offset.
struct CacheAppendArgs {
  const float* k = nullptr;
  const float* v = nullptr;
  std::int64_t ldk = 0, ldv = 0, rows = 0;
  int kv_heads = 0, head_dim = 0, value_dim = 0;
  const std::int64_t* slots = nullptr;
  DType dtype = DType::kF32;
  void* key_cache = nullptr;
  void* value_cache = nullptr;
};
void cache_append(ThreadPool& pool, const CacheAppendArgs& args) noexcept;

}  // namespace swiftlet::kernels
