// Attention over the vectors of <isa>/vec.h, which the including file includes before this one, with
// attention_parts.h.
//
//   D key head size   E value head size   NQ pairs of a register tile   NV vectors of a tile's row
//
// For every block of kKeyBlock keys: scores (a small matrix product of the queries and the transposed keys),
// one step of the online softmax, and a second product of the probabilities and the values. Every element of
// both products is one chain of fused multiply-adds in ascending order of d, or of the key: how pairs are
// gathered into tiles cannot change a bit. A key that a pair does not see takes no part in its chain, not
// even as 0 * value, which would not be nothing for an infinite value.
#pragma once

#include "swiftlet/kernels/generic/inner_loop.h"

namespace swiftlet::kernels {
namespace {

constexpr int kScoreVectors = kKeyBlock / kLanes;
constexpr float kNothing = -__builtin_inff();

// Scores are kept in units of log 2, and exponentials taken to base 2: with the unit folded into the scale,
// that saves a quarter of the softmax.
constexpr float kLog2OfE = 1.44269504f, kLogOf2 = 0.693147181f;

// 2^x for x <= 0: relative error 1e-7; -inf gives 0, NaN stays. A minimax fit on [-1/2, 1/2].
inline Vec power_of_two(Vec x) {
  x = max_over(splat(-160.0f), x);  // below, the result is 0 in any case
  const Vec n = round(x);
  const Vec r = sub(x, n);
  Vec p = fma(splat(1.53533416e-4f), r, splat(1.33989006e-3f));
  p = fma(p, r, splat(9.61843785e-3f));
  p = fma(p, r, splat(5.55033237e-2f));
  p = fma(p, r, splat(2.40226477e-1f));
  p = fma(p, r, splat(6.93147182e-1f));
  return times_power_of_two(fma(p, r, splat(1.0f)), n);
}

// c[i][..] += sum over k of a[i][k] * b[k][..], a matrix product of NQ rows and NV vectors in registers.
// Fresh: c starts from zero. Part: only the first `columns` of the one vector.
template <int NQ, int NV, bool kFresh, bool kPart, class T>
[[gnu::noinline]] void multiply_tile(const float* const* a, std::int64_t count, const T* b, std::int64_t ldb,
                                     float* const* c, std::int64_t columns) {
  Vec sum[NQ][NV];
#pragma GCC unroll 8
  for (int i = 0; i < NQ; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) sum[i][v] = kFresh ? zero() : load(c[i] + v * kLanes);
  for (std::int64_t k = 0; k < count; ++k, b += ldb) {
    if constexpr (!kPart) mark_inner_loop();
    Vec row[NV];
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) row[v] = kPart ? load_part(b, columns) : load(b + v * kLanes);
#pragma GCC unroll 8
    for (int i = 0; i < NQ; ++i) {
      const Vec left = splat(a[i][k]);
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) sum[i][v] = fma(left, row[v], sum[i][v]);
    }
  }
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
// scales.
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
template <class T>
void transpose_keys(const ChunkTask<T>& task, std::int64_t count) {
  const KeyValues& kv = task.args.kv;
  const int d_size = task.args.spec.head_dim;
  const T* keys = static_cast<const T*>(kv.keys) + (task.segment.key_begin + task.first_key) * kv.ldk +
                  std::int64_t{task.part.kv_head} * d_size;
  for (std::int64_t column = 0; column < count; column += kLanes) {
    const T* rows[kLanes];
    for (int l = 0; l < kLanes; ++l) rows[l] = keys + smaller(column + l, count - 1) * kv.ldk;
    float* y = task.scratch.keys + column;
    int d = 0;
    for (; d + 4 <= d_size; d += 4)
      transpose_four([&](int l) { return rows[l] + d; }, y + d * kKeyBlock, kKeyBlock);
    for (; d < d_size; ++d)
      for (int l = 0; l < kLanes; ++l) y[d * kKeyBlock + l] = to_float(rows[l][d]);
  }
}

inline bool adjusts_scores(const AttentionSpec& spec) {
  // A factor that is not positive would not keep the order of the scores.
  return spec.soft_cap > 0 || spec.alibi || spec.relative_bias == RelativeBias::kT5 || !(spec.scale > 0);
}

// Products q.k -> scores in units of log 2, with all that the spec asks. `distance` is key position - query
// position of the vector's first lane.
inline Vec adjust_score(const AttentionArgs& args, std::int64_t head, std::int64_t distance, Vec score) {
  const AttentionSpec& spec = args.spec;
  score = mul(score, splat(spec.scale));
  if (spec.soft_cap > 0) score = mul(splat(spec.soft_cap), math::tanh(div(score, splat(spec.soft_cap))));
  if (spec.alibi) {
    const Vec distances = add(iota(), splat(static_cast<float>(distance)));
    score = fnma(splat(args.alibi_slopes[head]), abs(distances), score);
  }
  if (spec.relative_bias == RelativeBias::kT5) {
    const std::int64_t extent = args.bias_extent, width = 2 * extent - 1;
    const float* table = args.bias + head * width;
    float bias[kLanes];
    for (int l = 0; l < kLanes; ++l)
      bias[l] = table[smaller(larger(distance + l + extent - 1, 0), width - 1)];
    score = add(score, load(bias));
  }
  return mul(score, splat(kLog2OfE));
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

// A factor that turns what finish_scores leaves into scores in units of log 2.
inline float score_unit(const AttentionSpec& spec) {
  return adjusts_scores(spec) ? 1.0f : spec.scale * kLog2OfE;
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

// state += probabilities * values: first the keys that only some pairs see, then those of all pairs together,
// then the rest, so that every pair meets its own keys in ascending order.
template <class T>
inline void add_values(const ChunkTask<T>& task, const TileView& view) {
  const float* p[kTilePairs];
  float* c[kTilePairs];
  const bool shared = view.common.begin < view.common.end;
  const std::int64_t columns = task.args.spec.value_dim;
  const auto add_alone = [&](int i, KeyRange keys) {
    const float* from = task.scratch.scores + (view.first_pair + i) * kKeyBlock + keys.begin;
    if (keys.begin < keys.end)
      multiply<1, false>(&from, keys.end - keys.begin, task.values + keys.begin * task.ldv, task.ldv, c + i,
                         columns);
  };
  for (int i = 0; i < view.pairs; ++i) {
    c[i] = task.state(view.first_pair + i);
    p[i] = task.scratch.scores + (view.first_pair + i) * kKeyBlock + view.common.begin;
    add_alone(i, {view.seen[i].begin, shared ? view.common.begin : view.seen[i].end});
  }
  if (!shared) return;
  multiply_rows<false>(view.pairs, p, view.common.end - view.common.begin,
                       task.values + view.common.begin * task.ldv, task.ldv, c, columns);
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
    if (ChunkTask<T>::kScaled || kv.paged) {
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
    } else if constexpr (!ChunkTask<T>::kScaled) {
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
  const Scratch scratch = carve_scratch(args.spec, reinterpret_cast<float*>(memory));
  if (args.kv.dtype == DType::kI8)
    attend_chunk_of<std::int8_t>(args, part, chunk, scratch, states);
  else if (args.kv.dtype == DType::kBF16)
    attend_chunk_of<std::uint16_t>(args, part, chunk, scratch, states);
  else
    attend_chunk_of<float>(args, part, chunk, scratch, states);
}

// 2^(from - to) of finite `to`.
inline float weight_of(float from, float to) {
  return first_lane(power_of_two(splat(from - to)));
}

void merge(const AttentionArgs& args, std::int64_t pairs, const float* states, bool first,
           float* totals) noexcept {
  const std::int64_t width = state_floats(args.spec), maximum = maximum_at(args.spec);
  for (std::int64_t pair = 0; pair < pairs; ++pair, totals += width, states += width) {
    if (!first && is_empty_state(states + maximum)) continue;
    if (first || is_empty_state(totals + maximum)) {
      __builtin_memcpy(totals, states, static_cast<std::size_t>(width) * sizeof(float));
      continue;
    }
    const float largest = states[maximum] > totals[maximum] ? states[maximum] : totals[maximum];
    const float keep = weight_of(totals[maximum], largest), more = weight_of(states[maximum], largest);
    for (std::int64_t e = 0; e < maximum; e += kLanes)
      store(totals + e, fma(load(states + e), splat(more), mul(load(totals + e), splat(keep))));
    totals[maximum] = largest;
    totals[maximum + 1] = totals[maximum + 1] * keep + states[maximum + 1] * more;
  }
}

// A sink is one more key of value zero; it does not count where there is no key.
inline void finish_pair(const AttentionArgs& args, std::int64_t row, std::int64_t head, const float* state) {
  const AttentionSpec& spec = args.spec;
  float largest = state[maximum_at(spec)], sum = state[maximum_at(spec) + 1], factor = 1;
  if (spec.sinks && sum != 0) {
    const float sink = args.sink_logits[head] * kLog2OfE, raised = sink > largest ? sink : largest;
    factor = weight_of(largest, raised);
    sum = sum * factor + weight_of(sink, raised);
    largest = raised;
  }
  factor = sum == 0 ? 0.0f : factor / sum;
  float* y = args.y + row * args.ldy + head * spec.value_dim;
  std::int64_t e = 0;
  for (; e + kLanes <= spec.value_dim; e += kLanes) store(y + e, mul(load(state + e), splat(factor)));
  if (e < spec.value_dim) store_part(y + e, spec.value_dim - e, mul(load(state + e), splat(factor)));
  if (spec.log_sum_exp) args.log_sum_exp[row * spec.heads + head] = largest * kLogOf2 + __builtin_logf(sum);
}

void finish(const AttentionArgs& args, const AttentionPart& part, const float* totals) noexcept {
  const std::int64_t heads = heads_per_group(args.spec), width = state_floats(args.spec);
  for (std::int64_t row = part.query_begin; row < part.query_end; ++row)
    for (std::int64_t h = 0; h < heads; ++h, totals += width)
      finish_pair(args, row, part.kv_head * heads + h, totals);
}

void attend(const AttentionArgs& args, const AttentionPart& part, std::byte* memory) noexcept {
  attend_by_chunks(args, part, memory, {attend, attend_chunk, merge, finish});
}

AttentionKernels vector_attention_kernels() {
  return {attend, attend_chunk, merge, finish};
}

}  // namespace
}  // namespace swiftlet::kernels
