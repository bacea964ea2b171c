// Attention in f32 over the vectors of <isa>/vec.h, which the including file includes before this one.
//
//   D key head size   E value head size   NQ pairs of a register tile   NV vectors of a tile's row
//
// For every block of kKeyBlock keys: scores (a small matrix product of the queries and the transposed keys),
// one step of the online softmax, and a second product of the probabilities and the values. Every element of
// both products is one chain of fused multiply-adds in ascending order of d, or of the key: how pairs are
// gathered into tiles cannot change a bit. A key that a pair does not see takes no part in its chain, not
// even as 0 * value, which would not be nothing for an infinite value.
#pragma once

#include "swiftlet/kernels/generic/attention_softmax.h"
#include "swiftlet/kernels/generic/inner_loop.h"

namespace swiftlet::kernels {
namespace {

constexpr int kScoreVectors = kKeyBlock / kLanes;
// Elements of a bf16 cache, in words of two (KeyValues): both elements of a key in a row, or the values in
// their lower, or upper, halves.
struct KeyWord {
  std::uint32_t word;
};
struct LowValue {
  std::uint32_t word;
};
struct HighValue {
  std::uint32_t word;
};
template <class T>
constexpr bool kHasParts = true;  // rows need not be whole vectors
template <>
constexpr bool kHasParts<KeyWord> = false;
inline Vec load(const LowValue* p) {
  return low_halves(load_words(&p->word));
}
inline Vec load(const HighValue* p) {
  return high_halves(load_words(&p->word));
}
inline Vec load_part(const LowValue* p, std::int64_t count) {
  return low_halves(load_words_part(&p->word, count));
}
inline Vec load_part(const HighValue* p, std::int64_t count) {
  return high_halves(load_words_part(&p->word, count));
}

// sum[i][..] += a[i][k] * row
template <int NQ, int NV>
[[gnu::always_inline]] inline void add_row(const float* const* a, std::int64_t k, const Vec (&row)[NV],
                                           Vec (&sum)[NQ][NV]) {
#pragma GCC unroll 8
  for (int i = 0; i < NQ; ++i) {
    const Vec left = splat(a[i][k]);
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) sum[i][v] = fma(left, row[v], sum[i][v]);
  }
}

// sum[i][..] += sum over k of a[i][k] * b[k][..]. Part: only the first `columns` of the one vector.
template <int NQ, int NV, bool kPart, class T>
[[gnu::always_inline]] inline void add_rows(const float* const* a, std::int64_t count, const T* b,
                                            std::int64_t ldb, Vec (&sum)[NQ][NV], std::int64_t columns) {
#pragma GCC unroll 1  // at most half a block, it would be copied out as often
  for (std::int64_t k = 0; k < count; ++k, b += ldb) {
    if constexpr (!kPart) mark_inner_loop();
    Vec row[NV];
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) row[v] = kPart ? load_part(b, columns) : load(b + v * kLanes);
    add_row(a, k, row, sum);
  }
}
// The same for words of two rows.
template <int NQ, int NV, bool kPart>
[[gnu::always_inline]] inline void add_rows(const float* const* a, std::int64_t count, const KeyWord* b,
                                            std::int64_t ldb, Vec (&sum)[NQ][NV], std::int64_t) {
  static_assert(!kPart);
  std::int64_t k = 0;
#pragma GCC unroll 1
  for (; k + 2 <= count; k += 2, b += ldb) {
    mark_inner_loop();
    Vec row[NV];
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) row[v] = low_halves(load_words(&b->word + v * kLanes));
    add_row(a, k, row, sum);
    const KeyWord* again = b;
    __asm__("" : "+r"(again));  // loaded once, the words would not fit the registers of AVX2 beside the rest
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) row[v] = high_halves(load_words(&again->word + v * kLanes));
    add_row(a, k + 1, row, sum);
  }
  if (k == count) return;
  Vec low[NV];
#pragma GCC unroll 2
  for (int v = 0; v < NV; ++v) low[v] = low_halves(load_words(&b->word + v * kLanes));
  add_row(a, k, low, sum);
}

// c[i][..] += sum over k of a[i][k] * b[k][..], a matrix product of NQ rows and NV vectors in registers.
// Fresh: c starts from zero.
template <int NQ, int NV, bool kFresh, bool kPart, class T>
[[gnu::noinline]] void multiply_tile(const float* const* a, std::int64_t count, const T* b, std::int64_t ldb,
                                     float* const* c, std::int64_t columns) {
  Vec sum[NQ][NV];
#pragma GCC unroll 8
  for (int i = 0; i < NQ; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) sum[i][v] = kFresh ? zero() : load(c[i] + v * kLanes);
  add_rows<NQ, NV, kPart>(a, count, b, ldb, sum, columns);
#pragma GCC unroll 8
  for (int i = 0; i < NQ; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) store(c[i] + v * kLanes, sum[i][v]);
}

// The same over all columns: in strips of two vectors, one, and a part.
template <int NQ, bool kFresh, class T>
void multiply(const float* const* a, std::int64_t count, const T* b, std::int64_t ldb, float* const* c,
              std::int64_t columns) {
  float* at[NQ];
  for (int i = 0; i < NQ; ++i) at[i] = c[i];
  const auto advance = [&](std::int64_t by) {
    for (int i = 0; i < NQ; ++i) at[i] += by;
    b += by;
    columns -= by;
  };
  for (; columns >= 2 * kLanes; advance(2 * kLanes))
    multiply_tile<NQ, 2, kFresh, false>(a, count, b, ldb, at, 0);
  if (columns >= kLanes) {
    multiply_tile<NQ, 1, kFresh, false>(a, count, b, ldb, at, 0);
    advance(kLanes);
  }
  if constexpr (kHasParts<T>)
    if (columns > 0) multiply_tile<NQ, 1, kFresh, true>(a, count, b, ldb, at, columns);
}

// multiply<rows>, for 1 <= rows <= kTilePairs.
template <bool kFresh, int NQ = kTilePairs, class T>
inline void multiply_rows(int rows, const float* const* a, std::int64_t count, const T* b, std::int64_t ldb,
                          float* const* c, std::int64_t columns) {
  if constexpr (NQ > 1)
    if (rows < NQ) return multiply_rows<kFresh, NQ - 1>(rows, a, count, b, ldb, c, columns);
  multiply<NQ, kFresh>(a, count, b, ldb, c, columns);
}

// One chunk of keys for the pairs of a part. T: an element of the keys and values; std::int8_t: paged, with
// scales; KeyWord: paged, in words of both.
template <class T>
struct ChunkTask {
  static constexpr bool kScaled = sizeof(T) == 1;
  const AttentionArgs& args;
  const AttentionPart& part;
  const Segment& segment;
  const Scratch& scratch;
  KeyRange chunk;
  float* states;
  std::int64_t heads, width, maximum;  // query heads of a row; floats of a state, place of its maximum
  // Of the running block of keys:
  std::int64_t first_key = 0;
  const T* values = nullptr;
  std::int64_t ldv = 0;
  const float *key_scales = nullptr, *value_scales = nullptr;  // [kKeyBlock]

  float* state(std::int64_t pair) const { return states + pair * width; }
};

// What a tile of pairs sees of the running block, counted from the block's first key.
struct TileView {
  std::int64_t first_pair = 0;
  int pairs = 0;
  std::int64_t rows[kTilePairs], heads[kTilePairs];
  KeyRange seen[kTilePairs];
  KeyRange common{0, kKeyBlock};  // keys that every pair sees, if any
  std::int64_t last = 0;          // the end of what any sees
};

template <class T>
inline KeyRange block_view(const ChunkTask<T>& task, std::int64_t row) {
  const KeyRange block{task.first_key, smaller(task.first_key + kKeyBlock, task.chunk.end)};
  const KeyRange seen = intersect(visible_keys(task.args.spec, task.segment, row), block);
  if (seen.begin >= seen.end) return {0, 0};
  return {seen.begin - task.first_key, seen.end - task.first_key};
}

template <class T>
inline TileView view_tile(const ChunkTask<T>& task, std::int64_t first_pair, int pairs) {
  TileView view;
  view.first_pair = first_pair, view.pairs = pairs;
  std::int64_t row = task.part.query_begin + first_pair / task.heads, head = first_pair % task.heads;
  for (int i = 0; i < pairs; ++i) {
    view.rows[i] = row;
    view.heads[i] = task.part.kv_head * task.heads + head;
    if (++head == task.heads) head = 0, ++row;
  }
  const KeyRange first = block_view(task, view.rows[0]), last = block_view(task, view.rows[pairs - 1]);
  // Both ends of what a row sees move forward with the rows, so equal outer ones stand for all.
  const bool equal = first.begin == last.begin && first.end == last.end && first.begin < first.end;
  for (int i = 0; i < pairs; ++i) {
    view.seen[i] = equal ? first : block_view(task, view.rows[i]);
    view.common = intersect(view.common, view.seen[i]);
    view.last = larger(view.last, view.seen[i].end);
  }
  return view;
}

// Writes keys [first_key, first_key + count) of a pure sequence as [D, kKeyBlock] f32. Columns behind `count`
// repeat the last key up to a full vector; they are masked later.
inline void transpose_keys(const ChunkTask<float>& task, std::int64_t count) {
  const KeyValues& kv = task.args.kv;
  const int d_size = task.args.spec.head_dim;
  const float* keys = static_cast<const float*>(kv.keys) +
                      (task.segment.key_begin + task.first_key) * kv.ldk +
                      std::int64_t{task.part.kv_head} * d_size;
  for (std::int64_t column = 0; column < count; column += kLanes) {
    const float* rows[kLanes];
    for (int l = 0; l < kLanes; ++l) rows[l] = keys + smaller(column + l, count - 1) * kv.ldk;
    float* y = task.scratch.keys + column;
    int d = 0;
    for (; d + 4 <= d_size; d += 4)
      transpose_four([&](int l) { return rows[l] + d; }, y + d * kKeyBlock, kKeyBlock);
    for (; d < d_size; ++d)
      for (int l = 0; l < kLanes; ++l) y[d * kKeyBlock + l] = rows[l][d];
  }
}

// Makes `after` the maximum of a pair's running softmax.
template <class T>
inline void move_maximum(const ChunkTask<T>& task, std::int64_t pair, float before, float after) {
  float* state = task.state(pair);
  state[task.maximum] = after;
  if (before == kNothing) return;  // all else is zero
  const Vec keep = power_of_two(sub(splat(before), splat(after)));
  for (std::int64_t e = 0; e < task.maximum; e += kLanes) store(state + e, mul(load(state + e), keep));
  float* sums = task.scratch.sums + pair * kSumLanes;
  store(sums, mul(load(sums), keep));
}

// The products q.k of a pair get all that a common factor cannot do: options, and -inf for keys that the pair
// does not see. Returns their maximum.
template <int NV, class T>
inline float finish_scores(const ChunkTask<T>& task, const TileView& view, int i) {
  float* scores = task.scratch.scores + (view.first_pair + i) * kKeyBlock;
  const KeyRange seen = view.seen[i];
  const bool adjusts = adjusts_scores(task.args.spec), hides = seen.begin > 0 || seen.end < NV * kLanes;
  Vec score[NV];
#pragma GCC unroll 4
  for (int v = 0; v < NV; ++v) {
    score[v] = load(scores + v * kLanes);
    if constexpr (ChunkTask<T>::kScaled) score[v] = mul(score[v], load(task.key_scales + v * kLanes));
  }
  if (adjusts) {
    const std::int64_t distance = task.first_key - query_position(task.segment, view.rows[i]);
    for (int v = 0; v < NV; ++v)
      score[v] = adjust_score(task.args, view.heads[i], distance + v * kLanes, score[v]);
  }
  if (adjusts || hides || ChunkTask<T>::kScaled) {
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) {
      const Mask visible = lanes_between(seen.begin - v * kLanes, seen.end - v * kLanes);
      score[v] = select(visible, score[v], splat(kNothing));
      store(scores + v * kLanes, score[v]);
    }
  }
  Vec largest = score[0];
#pragma GCC unroll 4
  for (int v = 1; v < NV; ++v) largest = max_over(score[v], largest);
  return reduce_max(largest);
}

// One step of the online softmax of the pairs of a tile: the products of the running block become
// probabilities. NV vectors hold all keys that they see. Step by step for all pairs, so that the processor
// finds independent work beside the chain of one pair.
template <int NV, class T>
inline void soften(const ChunkTask<T>& task, const TileView& view) {
  const float unit = score_unit(task.args.spec);
  float shift[kTilePairs];
  for (int i = 0; i < view.pairs; ++i) {
    const float before = task.state(view.first_pair + i)[task.maximum];
    const float block = finish_scores<NV>(task, view, i) * unit;
    const float after = block > before ? block : before;  // a NaN reaches the sums through its probability
    if (after != before) move_maximum(task, view.first_pair + i, before, after);
    shift[i] = after == kNothing ? 0.0f : -after;
  }
  for (int i = 0; i < view.pairs; ++i) {
    float* scores = task.scratch.scores + (view.first_pair + i) * kKeyBlock;
    float* sums = task.scratch.sums + (view.first_pair + i) * kSumLanes;
    Vec total = zero();
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) {
      const Vec p = power_of_two(fma(load(scores + v * kLanes), splat(unit), splat(shift[i])));
      total = add(total, p);
      if constexpr (ChunkTask<T>::kScaled)
        store(scores + v * kLanes, mul(p, load(task.value_scales + v * kLanes)));
      else
        store(scores + v * kLanes, p);
    }
    store(sums, add(load(sums), total));
  }
}

// c += p * values of the keys, of `rows` pairs; p points to the probability of the first of them.
template <class T>
inline void add_keys(const ChunkTask<T>& task, int rows, const float* const* p, KeyRange keys,
                     float* const* c) {
  multiply_rows<false>(rows, p, keys.end - keys.begin, task.values + keys.begin * task.ldv, task.ldv, c,
                       task.args.spec.value_dim);
}
inline void add_keys(const ChunkTask<KeyWord>& task, int rows, const float* const* p, KeyRange keys,
                     float* const* c) {
  constexpr std::int64_t kHalf = kKeyBlock / 2;
  const KeyRange low = intersect(keys, {0, kHalf}), high = intersect(keys, {kHalf, kKeyBlock});
  const std::uint32_t* words = &task.values->word;
  if (low.begin < low.end)
    multiply_rows<false>(rows, p, low.end - low.begin,
                         reinterpret_cast<const LowValue*>(words + low.begin * task.ldv), task.ldv, c,
                         task.args.spec.value_dim);
  if (high.begin == high.end) return;
  const float* from[kTilePairs];
  for (int i = 0; i < rows; ++i) from[i] = p[i] + (high.begin - keys.begin);
  multiply_rows<false>(rows, from, high.end - high.begin,
                       reinterpret_cast<const HighValue*>(words + (high.begin - kHalf) * task.ldv), task.ldv,
                       c, task.args.spec.value_dim);
}

// state += probabilities * values: first the keys that only some pairs see, then those of all pairs together,
// then the rest, so that every pair meets its own keys in ascending order.
template <class T>
inline void add_values(const ChunkTask<T>& task, const TileView& view) {
  const float* p[kTilePairs];
  float* c[kTilePairs];
  const bool shared = view.common.begin < view.common.end;
  const auto add_alone = [&](int i, KeyRange keys) {
    const float* from = task.scratch.scores + (view.first_pair + i) * kKeyBlock + keys.begin;
    if (keys.begin < keys.end) add_keys(task, 1, &from, keys, c + i);
  };
  for (int i = 0; i < view.pairs; ++i) {
    c[i] = task.state(view.first_pair + i);
    p[i] = task.scratch.scores + (view.first_pair + i) * kKeyBlock + view.common.begin;
    add_alone(i, {view.seen[i].begin, shared ? view.common.begin : view.seen[i].end});
  }
  if (!shared) return;
  add_keys(task, view.pairs, p, view.common, c);
  for (int i = 0; i < view.pairs; ++i) add_alone(i, {view.common.end, view.seen[i].end});
}

// keys: [D, kKeyBlock], the running block.
template <class T, class K>
inline void attend_tile(const ChunkTask<T>& task, const K* keys, std::int64_t first_pair, int pairs) {
  const TileView view = view_tile(task, first_pair, pairs);
  if (view.last == 0) return;
  const AttentionArgs& args = task.args;
  const float* q[kTilePairs];
  float* scores[kTilePairs];
  for (int i = 0; i < pairs; ++i) {
    q[i] = args.q + view.rows[i] * args.ldq + view.heads[i] * args.spec.head_dim;
    scores[i] = task.scratch.scores + (first_pair + i) * kKeyBlock;
  }
  multiply_rows<true>(pairs, q, args.spec.head_dim, keys, kKeyBlock, scores,
                      round_up(view.last, kKeyBlock / 2));
  if (view.last <= kKeyBlock / 2)
    soften<kScoreVectors / 2>(task, view);
  else
    soften<kScoreVectors>(task, view);
  add_values(task, view);
}

// Tiles of nearly equal size.
template <class T, class K>
inline void attend_block(const ChunkTask<T>& task, const K* keys, std::int64_t pairs) {
  const std::int64_t tiles = (pairs + kTilePairs - 1) / kTilePairs;
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    const std::int64_t begin = pairs * tile / tiles, end = pairs * (tile + 1) / tiles;
    attend_tile(task, keys, begin, static_cast<int>(end - begin));
  }
}

// All blocks of the chunk that some pair sees.
template <class T>
void attend_blocks(ChunkTask<T>& task, std::int64_t pairs, KeyRange seen) {
  const KeyValues& kv = task.args.kv;
  const std::int64_t d_size = task.args.spec.head_dim, e_size = task.args.spec.value_dim;
  for (std::int64_t key = seen.begin / kKeyBlock * kKeyBlock; key < seen.end; key += kKeyBlock) {
    task.first_key = key;
    if (kv.paged) {
      const std::int64_t place =
          std::int64_t{task.segment.blocks[key / kKeyBlock]} * task.args.spec.kv_heads + task.part.kv_head;
      const auto block_of = [&](const void* cache, std::int64_t size) {
        return reinterpret_cast<const T*>(static_cast<const std::byte*>(cache) +
                                          place * cache_head_bytes(kv.dtype, size));
      };
      const T* keys = block_of(kv.keys, d_size);
      task.values = block_of(kv.values, e_size);
      task.ldv = e_size;
      if constexpr (ChunkTask<T>::kScaled) {
        task.key_scales = reinterpret_cast<const float*>(keys + kKeyBlock * d_size);
        task.value_scales = reinterpret_cast<const float*>(task.values + kKeyBlock * e_size);
      }
      attend_block(task, keys, pairs);
    } else if constexpr (sizeof(T) == sizeof(float) && kHasParts<T>) {
      task.values = static_cast<const T*>(kv.values) + (task.segment.key_begin + key) * kv.ldv +
                    task.part.kv_head * e_size;
      task.ldv = kv.ldv;
      transpose_keys(task, smaller(kKeyBlock, seen.end - key));
      attend_block(task, static_cast<const float*>(task.scratch.keys), pairs);
    }
  }
}

template <class T>
void attend_chunk_of(const AttentionArgs& args, const AttentionPart& part, std::int64_t chunk,
                     const Scratch& scratch, float* states) {
  const Segment& segment = args.segments[part.segment];
  ChunkTask<T> task{args,
                    part,
                    segment,
                    scratch,
                    {chunk * kKeyChunk, (chunk + 1) * kKeyChunk},
                    states,
                    heads_per_group(args.spec),
                    state_floats(args.spec),
                    maximum_at(args.spec)};
  const std::int64_t pairs = (part.query_end - part.query_begin) * task.heads;
  __builtin_memset(states, 0, static_cast<std::size_t>(pairs * task.width) * sizeof(float));
  __builtin_memset(scratch.sums, 0, static_cast<std::size_t>(pairs * kSumLanes) * sizeof(float));
  for (std::int64_t pair = 0; pair < pairs; ++pair) task.state(pair)[task.maximum] = kNothing;
  const KeyRange seen{visible_keys(args.spec, segment, part.query_begin).begin,
                      visible_keys(args.spec, segment, part.query_end - 1).end};
  attend_blocks(task, pairs, intersect(seen, task.chunk));
  for (std::int64_t pair = 0; pair < pairs; ++pair)
    task.state(pair)[task.maximum + 1] = reduce_add(load(scratch.sums + pair * kSumLanes));
}

void attend_chunk(const AttentionArgs& args, const AttentionPart& part, std::int64_t chunk, std::byte* memory,
                  float* states) noexcept {
  const Scratch scratch = carve_scratch(args.spec, memory);
  if (args.kv.dtype == DType::kI8)
    attend_chunk_of<std::int8_t>(args, part, chunk, scratch, states);
  else if (args.kv.dtype == DType::kBF16)
    attend_chunk_of<KeyWord>(args, part, chunk, scratch, states);
  else
    attend_chunk_of<float>(args, part, chunk, scratch, states);
}

}  // namespace
}  // namespace swiftlet::kernels
