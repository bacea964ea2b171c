// What the attention kernels of all instruction sets and their driver share: which keys a query sees, the
// state of an unfinished softmax, the scratch memory. In an anonymous namespace, since files of an
// instruction set include it.
//
//   D key head size   E value head size   R query heads that share a key/value head
//   pair: one (row, query head) of a part; pairs are numbered row * R + head
#pragma once

#include <cstddef>
#include <cstdint>

#include "swiftlet/kernels/attention.h"

namespace swiftlet::kernels {
namespace {

constexpr std::int64_t kPairs = 64;     // pairs that go through the keys together
constexpr std::int64_t kSumLanes = 16;  // partial sums of the softmax's denominator

struct KeyRange {
  std::int64_t begin = 0, end = 0;
};

inline std::int64_t smaller(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}
inline std::int64_t larger(std::int64_t a, std::int64_t b) {
  return a > b ? a : b;
}
inline std::int64_t round_up(std::int64_t value, std::int64_t step) {
  return (value + step - 1) / step * step;
}

inline std::int64_t query_position(const Segment& segment, std::int64_t row) {
  return std::int64_t{segment.keys} - segment.query_end + row;
}

// Keys are visible without gaps. begin == end where there are none.
inline KeyRange visible_keys(const AttentionSpec& spec, const Segment& segment, std::int64_t row) {
  const std::int64_t position = query_position(segment, row);
  KeyRange range{0, segment.keys};
  if (spec.causal) range.end = smaller(range.end, position + 1);
  if (spec.window > 0) {
    range.begin = larger(range.begin, position - spec.window + 1);
    range.end = smaller(range.end, position + spec.window);
  }
  range.end = larger(range.end, range.begin);
  return range;
}

inline KeyRange intersect(KeyRange a, KeyRange b) {
  const std::int64_t begin = larger(a.begin, b.begin);
  return {begin, larger(begin, smaller(a.end, b.end))};
}

inline std::int64_t heads_per_group(const AttentionSpec& spec) {
  return spec.heads / spec.kv_heads;
}
// Rows that go through the keys together.
inline std::int64_t rows_at_once(const AttentionSpec& spec) {
  return larger(1, kPairs / heads_per_group(spec));
}
inline std::int64_t pairs_at_once(const AttentionSpec& spec) {
  return rows_at_once(spec) * heads_per_group(spec);
}

// The state of a pair: [E] sums of exp(score - m) * value, filled up to a vector; then m, the largest score,
// and the sum of exp(score - m). m = -inf and zeros where no key is visible. States are a table's own affair:
// m may be in other units.
inline std::int64_t maximum_at(const AttentionSpec& spec) {
  return round_up(spec.value_dim, kSumLanes);
}
inline std::int64_t state_floats(const AttentionSpec& spec) {
  return maximum_at(spec) + kSumLanes;
}

// `state` points to the maximum.
inline bool is_empty_state(const float* state) {
  return state[0] == -__builtin_inff() && state[1] == 0;
}

// Hands out the places within `base`, which may be null to ask for the size; whole cache lines.
struct ScratchCarver {
  std::byte* base = nullptr;
  std::int64_t bytes = 0;
  template <class T>
  T* take(std::int64_t count) {
    std::byte* at = base ? base + bytes : nullptr;
    bytes += round_up(count * static_cast<std::int64_t>(sizeof(T)), 64);
    return reinterpret_cast<T*>(at);
  }
};

// Of attend_chunk.
struct Scratch {
  float* keys = nullptr;    // [D, kKeyBlock]: a block of keys, transposed
  float* scores = nullptr;  // [pairs, kKeyBlock]: scores, then probabilities
  float* sums = nullptr;    // [pairs, kSumLanes]
  std::int64_t bytes = 0;
};
inline Scratch carve_scratch(const AttentionSpec& spec, std::byte* base) {
  const std::int64_t pairs = pairs_at_once(spec);
  ScratchCarver carver{base};
  Scratch scratch;
  scratch.keys = carver.take<float>(std::int64_t{spec.head_dim} * kKeyBlock);
  scratch.scores = carver.take<float>(pairs * kKeyBlock);
  scratch.sums = carver.take<float>(pairs * kSumLanes);
  scratch.bytes = carver.bytes;
  return scratch;
}

// Of attend_chunk_bf16. Sizes of heads are filled up with zeros to what a tile takes.
constexpr std::int64_t kGroupPairs = 32;  // pairs whose scores are kept at a time
constexpr std::int64_t kChunkBlocks = kKeyChunk / kKeyBlock;
inline std::int64_t key_words(const AttentionSpec& spec) {
  return round_up(spec.head_dim, 32) / 2;
}
inline std::int64_t value_columns(const AttentionSpec& spec) {
  return round_up(spec.value_dim, 16);
}
struct BF16Scratch {
  std::uint32_t* queries = nullptr;  // [pairs, key_words]
  std::uint32_t* rows = nullptr;     // [kKeyBlock, key_words]: keys on their way to their transpose
  std::uint32_t* keys = nullptr;     // [kChunkBlocks][key_words][kKeyBlock]
  std::uint32_t* values = nullptr;   // [kChunkBlocks][kKeyBlock / 2][value_columns]
  float* scores = nullptr;           // [kGroupPairs, kKeyChunk]: scores, then words of two probabilities
  std::int64_t bytes = 0;
};
inline BF16Scratch carve_bf16_scratch(const AttentionSpec& spec, std::byte* base) {
  ScratchCarver carver{base};
  BF16Scratch scratch;
  scratch.queries = carver.take<std::uint32_t>(pairs_at_once(spec) * key_words(spec));
  scratch.rows = carver.take<std::uint32_t>(kKeyBlock * key_words(spec));
  scratch.keys = carver.take<std::uint32_t>(kKeyChunk * key_words(spec));
  scratch.values = carver.take<std::uint32_t>(kKeyChunk / 2 * value_columns(spec));
  scratch.scores = carver.take<float>(kGroupPairs * kKeyChunk);
  scratch.bytes = carver.bytes;
  return scratch;
}

}  // namespace
}  // namespace swiftlet::kernels
