// Scaled dot-product attention over ragged sequences, streamed with an online softmax (Milakov & Gimelshein
// 2018; Dao et al. 2022): no score matrix in memory. docs/attention.md tells why it is built so.
//
//   T tokens   S sequences   H query heads   G key/value heads (H a multiple of G)   D head size
//
// Keys are visited in blocks of kKeyBlock, gathered into chunks of kKeyChunk, both counted from the
// sequence's first key wherever they lie; each query row is computed by itself, and the state of a chunk is
// merged into that of the chunks before it. So pure and paged attention give equal results bit for bit,
// whatever the batch, the number of threads and the split of a prompt into steps.
#pragma once

#include <cstdint>

#include "swiftlet/core/dtype.h"
#include "swiftlet/core/thread_pool.h"

namespace swiftlet::kernels {

struct KernelTable;

constexpr int kKeyBlock = 32;   // keys of one cache block, and of one step of the online softmax
constexpr int kKeyChunk = 256;  // keys of one partial softmax: what a long sequence is split into

enum class RelativeBias : std::uint8_t { kNone, kT5 };

// The whole vocabulary of attention that the model families use; see the op `attention` for the extra inputs.
struct AttentionSpec {
  int heads = 0, kv_heads = 0;
  int head_dim = 0, value_dim = 0;  // sizes of a query/key head and of a value head
  float scale = 0;                  // multiplies q.k; usually 1 / sqrt(head_dim)
  bool causal = false;
  int window = 0;      // keys that a query sees: itself and window - 1 before it (both sides when not causal:
                       // |i-j| < window); 0: all
  float soft_cap = 0;  // scores become cap * tanh(score / cap); 0: none
  bool sinks = false;  // one learned logit a head joins the softmax's denominator (and log_sum_exp)
  bool alibi = false;  // -slope(head) * |query position - key position| is added
  RelativeBias relative_bias = RelativeBias::kNone;
  bool log_sum_exp = false;  // a second output [T, H]
  bool operator==(const AttentionSpec&) const = default;
};

// One sequence of a batch: its rows on the query axis and its keys. Row r stands at key position
// keys - query_end + r: the queries are the last of the keys. Only causal order, windows, ALiBi and relative
// bias look at positions, so the queries of a cross attention may be more than its keys.
struct Segment {
  std::int32_t query_begin = 0, query_end = 0;  // rows of q
  std::int32_t key_begin = 0;                   // first row of k and v (pure attention only)
  std::int32_t keys = 0;                        // number of keys visible to the last query; may be 0
  std::int32_t length = 0;  // of the whole sequence, where later steps bring more of it; else at most `keys`
  // [ceil(keys / kKeyBlock)] cache block numbers (paged attention only). Blocks that no window reaches are
  // not looked at.
  const std::int32_t* blocks = nullptr;
};

// Bytes of the keys (of size D), or values (E), of one head in one cache block.
constexpr std::int64_t cache_head_bytes(DType dtype, std::int64_t size) {
  if (dtype == DType::kBF16) size += size % 2;  // keys lie in pairs of elements
  const std::int64_t codes = kKeyBlock * size * static_cast<std::int64_t>(dtype_size(dtype));
  return dtype == DType::kI8 ? codes + kKeyBlock * static_cast<std::int64_t>(sizeof(float)) : codes;
}

// Bytes of a key (D) and its value (E) of one head, its share of a block.
constexpr double cache_token_bytes(DType dtype, std::int64_t head_dim, std::int64_t value_dim) {
  return static_cast<double>(cache_head_bytes(dtype, head_dim) + cache_head_bytes(dtype, value_dim)) /
         kKeyBlock;
}

// Where keys and values lie. With D the size of a key head, E that of a value head, element d of row j of
// head g of a segment is at
//   pure   keys    (key_begin + j) * ldk + g * D + d
//          values  (key_begin + j) * ldv + g * E + d
//   paged  in the block blocks[j / kKeyBlock], which has cache_head_bytes() for each head, at
//          keys    [D][kKeyBlock]                    transposed
//          values  [kKeyBlock][E]
//     bf16 keys    [D / 2, rounded up][kKeyBlock][2]  a word holds elements 2i and 2i + 1 of a key
//          values  [kKeyBlock / 2][E][2]              a word holds an element of values i and i + kKeyBlock /
//          2
// Transposed keys are what a query's scores are computed from: one vector holds the same element of
// neighbouring keys. Words of two are what a dot product in bf16 takes, of a vector or of a tile. The second
// half of the last key word is zero where D is odd.
//
// A cache in int8 has a scale for every key and every value of a head, max|x| / 127: the codes of a head's
// block come first, as above, then its [kKeyBlock] f32 scales.
struct KeyValues {
  const void* keys = nullptr;
  const void* values = nullptr;
  DType dtype = DType::kF32;      // paged also kBF16, kI8
  std::int64_t ldk = 0, ldv = 0;  // row strides in elements (pure only)
  bool paged = false;
};

struct AttentionArgs {
  AttentionSpec spec;
  const float* q = nullptr;  // [T, ldq]
  std::int64_t ldq = 0;
  KeyValues kv;
  // Asks for products in bf16: queries, keys, values and probabilities are rounded, sums stay f32. Tables
  // without such products compute in f32; so do all over a cache in f32.
  bool bf16 = false;
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

// Work of one call: rows [query_begin, query_end) of a segment for the query heads that share one key/value
// head.
struct AttentionPart {
  int segment = 0, kv_head = 0;
  std::int64_t query_begin = 0, query_end = 0;
};

// A pair is a (row, query head) of a part; its state is the unfinished softmax over some keys
// (generic/attention_parts.h).
//
// Computes the states of all pairs, at most pairs_at_once(spec) of them, over one chunk of keys.
using AttendChunk = void(const AttentionArgs& args, const AttentionPart& part, std::int64_t chunk,
                         std::byte* scratch, float* states) noexcept;

struct AttentionKernels {
  AttendChunk* attend_chunk;
  // Merges the states of the next chunk into `totals`, which are empty before the `first`.
  void (*merge)(const AttentionArgs& args, std::int64_t pairs, const float* states, bool first,
                float* totals) noexcept;
  // Divides, to args.y (and log_sum_exp).
  void (*finish)(const AttentionArgs& args, const AttentionPart& part, const float* totals) noexcept;
  AttendChunk* attend_chunk_bf16;  // with products in bf16; null where the table has none
};

// Scratch bytes for a pool of `threads`; 64-byte aligned. Does not grow with the batch or the length.
std::size_t attention_workspace(const AttentionSpec& spec, int threads);
// Splits segments, heads and query blocks over the pool; few queries over many keys are split by chunks.
// Queries that see no key give zeros, and -inf as log_sum_exp.
void attention(const KernelTable& table, ThreadPool& pool, const AttentionArgs& args,
               std::byte* workspace) noexcept;

// Writes row t of k and v ([T, ld], kv_heads * D used) to its place in the paged cache (layout: KeyValues);
// slots[t] = block * kKeyBlock + offset; a negative slot is skipped. bf16 and int8 round to nearest even; a
// head's row with an infinite value or NaN is NaN as a whole in int8.
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
// The same in the calling thread.
void cache_append_rows(const CacheAppendArgs& args) noexcept;

}  // namespace swiftlet::kernels
