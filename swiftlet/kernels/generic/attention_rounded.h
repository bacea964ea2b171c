// Attention with products in bf16, over the vectors of <isa>/vec.h and <isa>/vec_bf16.h, which the including
// file includes before this one.
//
//   D key head size   E value head size
//
// A chunk of keys is one softmax: the scores of a group of pairs against all of it, their maximum, the
// probabilities as words of two, and their product with the values. All products are those of a Body:
//
//   Body body(tile_pairs)
//   body.multiply_keys(chunk, first, pairs)      -> scores [pairs, kKeyChunk] of one tile, or of two that may
//   body.multiply_values(chunk, first, pairs)       overlap; -> the sums of their states
//
// Queries, keys, values and probabilities are rounded to bf16, all sums are f32. A block of 32 keys adds to a
// sum what depends on its own numbers alone, and nothing when all its probabilities are zero: so neither the
// pairs that share a tile nor keys that only others see can change a bit of a pair. But zero times infinity
// or NaN is no zero: where a block has such values and some pair does not see all of it, the product leaves
// them out, and the pairs that do see them get them one by one.
#pragma once

#include "swiftlet/kernels/generic/attention_softmax.h"

namespace swiftlet::kernels {
namespace {

constexpr std::int64_t kTilePairsBF16 = kGroupPairs / 2;
constexpr std::int64_t kHalfBlock = kKeyBlock / 2;  // word i of a block holds keys i and i + kHalfBlock

// One chunk of keys for the pairs of a part.
struct Chunk {
  const AttentionArgs& args;
  const AttentionPart& part;
  const Segment& segment;
  const BF16Scratch& scratch;
  float* states;
  std::int64_t heads, pairs;   // query heads of a row, pairs of the part
  std::int64_t first_key = 0;  // of the first block that some pair sees
  std::int64_t blocks = 0;
  const std::uint32_t* keys[kChunkBlocks];                             // [key_words][kKeyBlock] of each block
  const std::uint32_t* values[kChunkBlocks];                           // [kHalfBlock][value_columns]
  const float *key_scales[kChunkBlocks], *value_scales[kChunkBlocks];  // [kKeyBlock], of a cache in int8
  bool leaves_out[kChunkBlocks] = {};                                  // values that are not finite

  float* state(std::int64_t pair) const { return states + pair * state_floats(args.spec); }
  std::int64_t row(std::int64_t pair) const { return part.query_begin + pair / heads; }
  std::int64_t head(std::int64_t pair) const { return part.kv_head * heads + pair % heads; }
  const std::uint32_t* query(std::int64_t pair) const {
    return scratch.queries + pair * key_words(args.spec);
  }
  // What a row sees, counted from first_key.
  KeyRange seen(std::int64_t row) const {
    const KeyRange visible =
        intersect(visible_keys(args.spec, segment, row), {first_key, first_key + blocks * kKeyBlock});
    return {visible.begin - first_key, visible.end - first_key};
  }
  const std::byte* cache_block(const void* cache, std::int64_t block, std::int64_t size) const {
    const std::int64_t number = segment.blocks[first_key / kKeyBlock + block];
    return static_cast<const std::byte*>(cache) +
           (number * args.spec.kv_heads + part.kv_head) * cache_head_bytes(args.kv.dtype, size);
  }
};

// Asks for the head's part of a block, if the sequence has it: the processor's own prefetching ends with a
// page.
inline void prefetch_block(const Chunk& chunk, const void* cache, std::int64_t block, std::int64_t size) {
  if (chunk.first_key + block * kKeyBlock >= chunk.segment.keys) return;
  const std::byte* from = chunk.cache_block(cache, block, size);
  for (std::int64_t i = 0; i < cache_head_bytes(chunk.args.kv.dtype, size); i += 64)
    __builtin_prefetch(from + i, 0, 2);
}
// While the keys of a block are multiplied: its values, and the keys that come later. Where many pairs share
// a block there is time enough without.
inline void prefetch_beside_keys(const Chunk& chunk, std::int64_t block) {
  constexpr std::int64_t kBlocksAhead = 2;
  const KeyValues& kv = chunk.args.kv;
  if (chunk.pairs > kTilePairsBF16 || !kv.paged) return;
  prefetch_block(chunk, kv.values, block, chunk.args.spec.value_dim);
  prefetch_block(chunk, kv.keys, block + kBlocksAhead, chunk.args.spec.head_dim);
}

// Halves [round_up(count, 32)] of x, rounded; zeros behind `count`.
inline void round_row(const float* x, std::int64_t count, std::uint32_t* words) {
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store_halves(words + i / 2, load(x + i));
  if (i < count) store_halves(words + i / 2, load_part(x + i, count - i)), i += kLanes;
  for (const std::int64_t end = round_up(count, 32); i < end; i += kLanes)
    store_halves(words + i / 2, zero());
}

// ---- Bringing keys and values into words, each function one block

// [D / 2][kKeyBlock] of a cache: zeros behind D.
inline void copy_key_words(const std::uint32_t* from, std::int64_t d_size, std::uint32_t* to) {
  const std::int64_t filled = (d_size + 1) / 2 * kKeyBlock, all = round_up(d_size, 32) / 2 * kKeyBlock;
  __builtin_memcpy(to, from, static_cast<std::size_t>(filled) * 4);
  __builtin_memset(to + filled, 0, static_cast<std::size_t>(all - filled) * 4);
}

// Codes [D][kKeyBlock], which bf16 holds exactly.
inline void widen_key_codes(const std::int8_t* from, std::int64_t d_size, std::uint32_t* to) {
  for (std::int64_t d = 0; d < round_up(d_size, 32); d += 2, to += kKeyBlock)
    for (std::int64_t key = 0; key < kKeyBlock; key += kLanes) {
      const std::int8_t* codes = from + d * kKeyBlock + key;
      const Vec low = d < d_size ? load(codes) : zero();
      store_words(to + key, exact_words(low, d + 1 < d_size ? load(codes + kKeyBlock) : zero()));
    }
}

// `count` keys in rows. Words of keys behind them are left as they are: nobody sees their scores.
inline void round_key_rows(const Chunk& chunk, std::int64_t first, std::int64_t count, std::uint32_t* to) {
  const AttentionSpec& spec = chunk.args.spec;
  const std::int64_t words = key_words(spec);
  const float* from = static_cast<const float*>(chunk.args.kv.keys) +
                      (chunk.segment.key_begin + first) * chunk.args.kv.ldk +
                      std::int64_t{chunk.part.kv_head} * spec.head_dim;
  for (std::int64_t key = 0; key < count; ++key)
    round_row(from + key * chunk.args.kv.ldk, spec.head_dim, chunk.scratch.rows + key * words);
  const auto* rows = reinterpret_cast<const float*>(chunk.scratch.rows);
  for (std::int64_t key = 0; key < count; key += kLanes)
    for (std::int64_t i = 0; i < words; i += 4)
      transpose_four([&](int l) { return rows + (key + l) * words + i; },
                     reinterpret_cast<float*>(to + i * kKeyBlock + key), kKeyBlock);
}

// [kHalfBlock][columns] from `count` rows of f32; zeros where there is no row or column.
inline void round_value_rows(const float* from, std::int64_t ld, std::int64_t count, std::int64_t e_size,
                             std::int64_t columns, std::uint32_t* to) {
  const auto element = [&](std::int64_t key, std::int64_t e) {
    const float* x = from + key * ld + e;
    if (key >= count || e >= e_size) return zero();
    return e + kLanes <= e_size ? load(x) : load_part(x, e_size - e);
  };
  for (std::int64_t i = 0; i < kHalfBlock; ++i, to += columns)
    for (std::int64_t e = 0; e < columns; e += kLanes)
      store_words(to + e, rounded_words(element(i, e), element(i + kHalfBlock, e)));
}

// Codes [kKeyBlock][E].
inline void widen_value_codes(const std::int8_t* from, std::int64_t e_size, std::int64_t columns,
                              std::uint32_t* to) {
  const auto widened = [&](std::int64_t key, std::int64_t e) {
    const std::int8_t* codes = from + key * e_size + e;
    return e + kLanes <= e_size ? load(codes) : e < e_size ? load_part(codes, e_size - e) : zero();
  };
  for (std::int64_t i = 0; i < kHalfBlock; ++i, to += columns)
    for (std::int64_t e = 0; e < columns; e += kLanes)
      store_words(to + e, exact_words(widened(i, e), widened(i + kHalfBlock, e)));
}

// [kHalfBlock][E] of a cache: zeros behind E.
inline void copy_value_words(const std::uint32_t* from, std::int64_t e_size, std::int64_t columns,
                             std::uint32_t* to) {
  for (std::int64_t i = 0; i < kHalfBlock; ++i, to += columns, from += e_size) {
    __builtin_memcpy(to, from, static_cast<std::size_t>(e_size) * 4);
    __builtin_memset(to + e_size, 0, static_cast<std::size_t>(columns - e_size) * 4);
  }
}

// ---- Values that are not finite

constexpr std::uint32_t kHalfExponent = 0x7f80;
inline bool is_finite_half(std::uint32_t half) {
  return (half & kHalfExponent) != kHalfExponent;
}

// Takes out of a block what is not finite.
inline void clear_infinite(std::uint32_t* words, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    if (!is_finite_half(words[i])) words[i] &= 0xffff0000u;
    if (!is_finite_half(words[i] >> 16)) words[i] &= 0xffffu;
  }
}

// The element of a value as the product would have read it.
inline float value_of(const Chunk& chunk, std::int64_t block, std::int64_t offset, std::int64_t e) {
  const KeyValues& kv = chunk.args.kv;
  const std::int64_t e_size = chunk.args.spec.value_dim;
  if (kv.paged) {
    const auto* words = reinterpret_cast<const std::uint32_t*>(chunk.cache_block(kv.values, block, e_size));
    const std::uint32_t word = words[offset % kHalfBlock * e_size + e];
    return __builtin_bit_cast(float, offset < kHalfBlock ? word << 16 : word & 0xffff0000u);
  }
  const std::int64_t key = chunk.segment.key_begin + chunk.first_key + block * kKeyBlock + offset;
  const float value =
      static_cast<const float*>(kv.values)[key * kv.ldv + std::int64_t{chunk.part.kv_head} * e_size + e];
  return first_lane(low_halves(rounded_words(splat(value), zero())));
}

// What the product of a block left out, for the pairs that see it. `words` are a pair's probabilities.
inline void add_left_out(const Chunk& chunk, std::int64_t block, KeyRange seen, const std::uint32_t* words,
                         float* sums) {
  const KeyRange keys = intersect(seen, {block * kKeyBlock, (block + 1) * kKeyBlock});
  for (std::int64_t key = keys.begin; key < keys.end; ++key) {
    const std::int64_t offset = key - block * kKeyBlock;
    const std::uint32_t word = words[block * kHalfBlock + offset % kHalfBlock];
    const float p = __builtin_bit_cast(float, offset < kHalfBlock ? word << 16 : word & 0xffff0000u);
    for (std::int64_t e = 0; e < chunk.args.spec.value_dim; ++e) {
      const float value = value_of(chunk, block, offset, e);
      if (!is_finite_half(__builtin_bit_cast(std::uint32_t, value) >> 16)) sums[e] += p * value;
    }
  }
}

// ---- A chunk

inline void bring_keys(Chunk& chunk, std::int64_t block, std::int64_t count) {
  const KeyValues& kv = chunk.args.kv;
  const std::int64_t d_size = chunk.args.spec.head_dim;
  std::uint32_t* own = chunk.scratch.keys + block * key_words(chunk.args.spec) * kKeyBlock;
  chunk.keys[block] = own;
  if (!kv.paged) return round_key_rows(chunk, chunk.first_key + block * kKeyBlock, count, own);
  const std::byte* cached = chunk.cache_block(kv.keys, block, d_size);
  if (kv.dtype == DType::kI8) {
    chunk.key_scales[block] = reinterpret_cast<const float*>(cached + kKeyBlock * d_size);
    widen_key_codes(reinterpret_cast<const std::int8_t*>(cached), d_size, own);
  } else if (d_size % 32 != 0) {
    copy_key_words(reinterpret_cast<const std::uint32_t*>(cached), d_size, own);
  } else {
    chunk.keys[block] = reinterpret_cast<const std::uint32_t*>(cached);
  }
}

// `count` keys of the block exist. `all`: every pair sees the whole block.
inline void bring_values(Chunk& chunk, std::int64_t block, std::int64_t count, bool all) {
  const KeyValues& kv = chunk.args.kv;
  const std::int64_t e_size = chunk.args.spec.value_dim, columns = value_columns(chunk.args.spec);
  const std::int64_t words = kHalfBlock * columns;
  std::uint32_t* own = chunk.scratch.values + block * words;
  chunk.values[block] = own;
  if (kv.dtype == DType::kI8) {
    const std::byte* cached = chunk.cache_block(kv.values, block, e_size);
    chunk.value_scales[block] = reinterpret_cast<const float*>(cached + kKeyBlock * e_size);
    return widen_value_codes(reinterpret_cast<const std::int8_t*>(cached), e_size, columns, own);
  }
  if (kv.paged) {
    const auto* cached = reinterpret_cast<const std::uint32_t*>(chunk.cache_block(kv.values, block, e_size));
    if (e_size == columns && (all || are_finite(cached, words))) {
      chunk.values[block] = cached;
      return;
    }
    copy_value_words(cached, e_size, columns, own);
  } else {
    const std::int64_t first = chunk.segment.key_begin + chunk.first_key + block * kKeyBlock;
    round_value_rows(static_cast<const float*>(kv.values) + first * kv.ldv + chunk.part.kv_head * e_size,
                     kv.ldv, count, e_size, columns, own);
  }
  chunk.leaves_out[block] = !all && !are_finite(own, words);
  if (chunk.leaves_out[block]) clear_infinite(own, words);
}

// A row of products q.k gets all that a common factor cannot do: options, the scales of an int8 cache, and
// -inf for keys that the pair does not see.
inline void finish_scores(const Chunk& chunk, std::int64_t pair, KeyRange seen, float* scores) {
  const AttentionArgs& args = chunk.args;
  const bool scaled = args.kv.dtype == DType::kI8, adjusts = adjusts_scores(args.spec);
  const std::int64_t end = chunk.blocks * kKeyBlock;
  if (scaled || adjusts) {
    const std::int64_t distance = chunk.first_key - query_position(chunk.segment, chunk.row(pair));
    for (std::int64_t key = 0; key < end; key += kLanes) {
      Vec score = load(scores + key);
      if (scaled) score = mul(score, load(chunk.key_scales[key / kKeyBlock] + key % kKeyBlock));
      if (adjusts) score = adjust_score(args, chunk.head(pair), distance + key, score);
      // One kind of NaN, which pair_probabilities keeps.
      store(scores + key, select(is_nan(score), splat(__builtin_nanf("")), score));
    }
  }
  if (seen.begin == 0 && seen.end == end) return;
  for (std::int64_t key = 0; key < end; key += kLanes) {
    if (seen.begin <= key && key + kLanes <= seen.end) continue;
    const Mask visible = lanes_between(seen.begin - key, seen.end - key);
    store(scores + key, select(visible, load(scores + key), splat(kNothing)));
  }
}

// Of whole blocks; -inf where all are NaN.
inline float largest_of(const float* scores, std::int64_t blocks) {
  Vec low = splat(kNothing), high = low;
  for (std::int64_t key = 0; key < blocks * kKeyBlock; key += kKeyBlock)
    for (std::int64_t i = 0; i < kHalfBlock; i += kLanes) {
      low = max_over(load(scores + key + i), low);
      high = max_over(load(scores + key + kHalfBlock + i), high);
    }
  return reduce_max(max_over(low, high));
}

// Probabilities of two times kLanes keys with the scales of their values, zero where they are not seen: there
// a scale may be NaN.
inline IntVec scaled_words(const Chunk& chunk, std::int64_t key, KeyRange seen, Vec low, Vec high) {
  const auto scale = [&](std::int64_t at) {
    const Mask visible = lanes_between(seen.begin - at, seen.end - at);
    return select(visible, load(chunk.value_scales[at / kKeyBlock] + at % kKeyBlock), zero());
  };
  return rounded_words(mul(low, scale(key)), mul(high, scale(key + kHalfBlock)));
}

// The scores of a pair become probabilities: words of two, in place. Returns their sum.
template <bool kScaled>
inline float soften(const Chunk& chunk, KeyRange seen, float unit, float maximum, float* scores) {
  const Vec units = splat(unit), shift = splat(maximum == kNothing ? 0.0f : -maximum);
  Vec total = zero();
  auto* words = reinterpret_cast<std::uint32_t*>(scores);
  for (std::int64_t key = 0; key < chunk.blocks * kKeyBlock; key += kKeyBlock)
    for (std::int64_t i = 0; i < kHalfBlock; i += kLanes) {
      const Vec low = probability(fma(load(scores + key + i), units, shift));
      const Vec high = probability(fma(load(scores + key + kHalfBlock + i), units, shift));
      const IntVec both = pair_probabilities(low, high);
      total = add_halves(total, both);
      store_words(words + key / 2 + i, kScaled ? scaled_words(chunk, key + i, seen, low, high) : both);
    }
  return reduce_add(total);
}

// Step by step for all pairs, so that the processor finds independent work beside the chain of one.
inline void soften_group(const Chunk& chunk, std::int64_t first, std::int64_t pairs) {
  const float unit = score_unit(chunk.args.spec);
  const auto scores = [&](std::int64_t i) { return chunk.scratch.scores + i * kKeyChunk; };
  const auto ending = [&](std::int64_t i) { return chunk.state(first + i) + maximum_at(chunk.args.spec); };
  for (std::int64_t i = 0; i < pairs; ++i) {
    finish_scores(chunk, first + i, chunk.seen(chunk.row(first + i)), scores(i));
    ending(i)[0] = largest_of(scores(i), chunk.blocks) * unit;
  }
  for (std::int64_t i = 0; i < pairs; ++i) {
    if (chunk.args.kv.dtype == DType::kI8)
      ending(i)[1] = soften<true>(chunk, chunk.seen(chunk.row(first + i)), unit, ending(i)[0], scores(i));
    else
      ending(i)[1] = soften<false>(chunk, {}, unit, ending(i)[0], scores(i));
  }
}

template <class Body>
inline void attend_group(const Chunk& chunk, Body& body, std::int64_t first, std::int64_t pairs) {
  body.multiply_keys(chunk, first, pairs);
  soften_group(chunk, first, pairs);
  body.multiply_values(chunk, first, pairs);
  for (std::int64_t block = 0; block < chunk.blocks; ++block) {
    if (!chunk.leaves_out[block]) continue;
    for (std::int64_t i = 0; i < pairs; ++i)
      add_left_out(chunk, block, chunk.seen(chunk.row(first + i)),
                   reinterpret_cast<const std::uint32_t*>(chunk.scratch.scores + i * kKeyChunk),
                   chunk.state(first + i));
  }
}

inline void empty_states(const Chunk& chunk) {
  const std::int64_t width = state_floats(chunk.args.spec);
  __builtin_memset(chunk.states, 0, static_cast<std::size_t>(chunk.pairs * width) * sizeof(float));
  for (std::int64_t pair = 0; pair < chunk.pairs; ++pair)
    chunk.state(pair)[maximum_at(chunk.args.spec)] = kNothing;
}

// AttentionKernels::attend_chunk_bf16.
template <class Body>
void attend_chunk_bf16(const AttentionArgs& args, const AttentionPart& part, std::int64_t number,
                       std::byte* memory, float* states) noexcept {
  const Segment& segment = args.segments[part.segment];
  const BF16Scratch scratch = carve_bf16_scratch(args.spec, memory);
  const std::int64_t heads = heads_per_group(args.spec), rows = part.query_end - part.query_begin;
  Chunk chunk{args, part, segment, scratch, states, heads, rows * heads};
  // Both ends of what a row sees move forward with the rows.
  const KeyRange first = visible_keys(args.spec, segment, part.query_begin);
  const KeyRange last = visible_keys(args.spec, segment, part.query_end - 1);
  const KeyRange any = intersect({first.begin, last.end}, {number * kKeyChunk, (number + 1) * kKeyChunk});
  if (any.begin == any.end) return empty_states(chunk);
  chunk.first_key = any.begin / kKeyBlock * kKeyBlock;
  chunk.blocks = (any.end - chunk.first_key + kKeyBlock - 1) / kKeyBlock;
  for (std::int64_t pair = 0; pair < chunk.pairs; ++pair)
    round_row(args.q + chunk.row(pair) * args.ldq + chunk.head(pair) * args.spec.head_dim, args.spec.head_dim,
              scratch.queries + pair * key_words(args.spec));
  for (std::int64_t block = 0; block < chunk.blocks; ++block) {
    const std::int64_t begin = chunk.first_key + block * kKeyBlock;
    const std::int64_t count = smaller(kKeyBlock, any.end - begin);
    bring_keys(chunk, block, count);
    bring_values(chunk, block, count, last.begin <= begin && begin + kKeyBlock <= first.end);
  }
  // Tiles of equal size, two in a group; the last ends with the last pair and may overlap the one before.
  const std::int64_t tiles = (chunk.pairs + kTilePairsBF16 - 1) / kTilePairsBF16;
  const std::int64_t tile_pairs = (chunk.pairs + tiles - 1) / tiles;
  Body body(tile_pairs);
  for (std::int64_t tile = 0; tile < tiles; tile += 2) {
    const std::int64_t begin = smaller(tile * tile_pairs, chunk.pairs - tile_pairs);
    attend_group(chunk, body, begin, smaller(chunk.pairs, (tile + 2) * tile_pairs) - begin);
  }
}

}  // namespace
}  // namespace swiftlet::kernels
