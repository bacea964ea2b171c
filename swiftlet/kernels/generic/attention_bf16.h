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

// [kHalfBlock][columns] from two rows of f32, low(i) and high(i), each null where there is no such key.
template <class Row>
inline void pair_value_rows(std::int64_t e_size, std::int64_t columns, std::uint32_t* to, const Row& row) {
  for (std::int64_t i = 0; i < kHalfBlock; ++i, to += columns)
    for (std::int64_t e = 0; e < columns; e += kLanes) {
      const auto element = [&](const auto* from) {
        return from == nullptr || e >= e_size ? zero()
               : e + kLanes <= e_size         ? load(from + e)
                                              : load_part(from + e, e_size - e);
      };
      store_words(to + e, rounded_words(element(row(i)), element(row(i + kHalfBlock))));
    }
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

// Keys behind `count` have values of zero, or are in a cache. `all`: every pair sees the whole block.
inline void bring_values(Chunk& chunk, std::int64_t block, std::int64_t count, bool all) {
  const KeyValues& kv = chunk.args.kv;
  const std::int64_t e_size = chunk.args.spec.value_dim, columns = value_columns(chunk.args.spec);
  std::uint32_t* own = chunk.scratch.values + block * kHalfBlock * columns;
  chunk.values[block] = own;
  if (!kv.paged) {
    const std::int64_t first = chunk.segment.key_begin + chunk.first_key + block * kKeyBlock;
    const float* from =
        static_cast<const float*>(kv.values) + first * kv.ldv + std::int64_t{chunk.part.kv_head} * e_size;
    pair_value_rows(e_size, columns, own,
                    [&](std::int64_t i) { return i < count ? from + i * kv.ldv : nullptr; });
  } else if (const std::byte* cached = chunk.cache_block(kv.values, block, e_size); kv.dtype == DType::kI8) {
    chunk.value_scales[block] = reinterpret_cast<const float*>(cached + kKeyBlock * e_size);
    pair_value_rows(e_size, columns, own, [&](std::int64_t i) {
      return reinterpret_cast<const std::int8_t*>(cached) + i * e_size;
    });
  } else {
    const auto* words = reinterpret_cast<const std::uint32_t*>(cached);
    const bool in_place = e_size == columns;
    if (in_place && (all || are_finite(words, kHalfBlock * columns))) {
      chunk.values[block] = words;
      return;
    }
    copy_value_words(words, e_size, columns, own);
  }
  chunk.leaves_out[block] = !all && !are_finite(own, kHalfBlock * columns);
  if (chunk.leaves_out[block]) clear_infinite(own, kHalfBlock * columns);
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

// The scores of a pair become probabilities: words of two, in place.
inline void soften(const Chunk& chunk, std::int64_t pair, KeyRange seen, float* scores) {
  finish_scores(chunk, pair, seen, scores);
  const std::int64_t end = chunk.blocks * kKeyBlock;
  const bool scaled = chunk.args.kv.dtype == DType::kI8;
  const float unit = score_unit(chunk.args.spec);
  Vec largest = splat(kNothing);
  for (std::int64_t key = 0; key < end; key += kLanes) largest = max_over(load(scores + key), largest);
  const float maximum = reduce_max(largest) * unit;
  const Vec units = splat(unit), shift = splat(maximum == kNothing ? 0.0f : -maximum);
  Vec total = zero();
  auto* words = reinterpret_cast<std::uint32_t*>(scores);
  for (std::int64_t block = 0; block < chunk.blocks; ++block)
    for (std::int64_t i = 0; i < kHalfBlock; i += kLanes) {
      const float* at = scores + block * kKeyBlock + i;
      const Vec low = probability(fma(load(at), units, shift));
      const Vec high = probability(fma(load(at + kHalfBlock), units, shift));
      IntVec both = pair_probabilities(low, high);
      total = add_halves(total, both);
      if (scaled) {
        const std::int64_t key = block * kKeyBlock + i;
        const auto times_scale = [&](Vec p, std::int64_t by) {
          const Mask visible = lanes_between(seen.begin - key - by, seen.end - key - by);
          const Vec scale = load(chunk.value_scales[block] + i + by);
          return mul(p, select(visible, scale, zero()));  // where nothing lies yet it may be NaN
        };
        both = rounded_words(times_scale(low, 0), times_scale(high, kHalfBlock));
      }
      store_words(words + block * kHalfBlock + i, both);
    }
  float* state = chunk.state(pair) + maximum_at(chunk.args.spec);
  state[0] = seen.begin < seen.end ? maximum : kNothing;
  state[1] = reduce_add(total);
}

template <class Body>
inline void attend_group(const Chunk& chunk, Body& body, std::int64_t first, std::int64_t pairs) {
  body.multiply_keys(chunk, first, pairs);
  for (std::int64_t i = 0; i < pairs; ++i)
    soften(chunk, first + i, chunk.seen(chunk.row(first + i)), chunk.scratch.scores + i * kKeyChunk);
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
