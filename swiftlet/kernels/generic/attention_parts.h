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

struct Scratch {
  float* keys = nullptr;    // [D, kKeyBlock]: a block of keys, transposed
  float* scores = nullptr;  // [pairs, kKeyBlock]: scores, then probabilities
  float* sums = nullptr;    // [pairs, kSumLanes]
  float* states = nullptr;  // [pairs, state_floats]: the running chunk
  float* totals = nullptr;  // [pairs, state_floats]: the chunks before it
  std::int64_t floats = 0;
};

// The places within `base`, which may be null to ask for the size.
inline Scratch carve_scratch(const AttentionSpec& spec, float* base) {
  const std::int64_t pairs = round_up(pairs_at_once(spec), kSumLanes);
  Scratch scratch;
  const auto take = [&](std::int64_t count) {
    float* at = base ? base + scratch.floats : nullptr;
    scratch.floats += round_up(count, kSumLanes);
    return at;
  };
  scratch.keys = take(std::int64_t{spec.head_dim} * kKeyBlock);
  scratch.scores = take(pairs * kKeyBlock);
  scratch.sums = take(pairs * kSumLanes);
  scratch.states = take(pairs * state_floats(spec));
  scratch.totals = take(pairs * state_floats(spec));
  return scratch;
}

// AttentionKernels::attend in terms of the other functions of `kernels`. Chunks that no row sees are left
// out: their states would be empty, and merging those changes nothing.
inline void attend_by_chunks(const AttentionArgs& args, const AttentionPart& part, std::byte* memory,
                             const AttentionKernels& kernels) {
  const Scratch scratch = carve_scratch(args.spec, reinterpret_cast<float*>(memory));
  const Segment& segment = args.segments[part.segment];
  for (AttentionPart rows = part; rows.query_begin < part.query_end; rows.query_begin = rows.query_end) {
    rows.query_end = smaller(part.query_end, rows.query_begin + rows_at_once(args.spec));
    const std::int64_t pairs = (rows.query_end - rows.query_begin) * heads_per_group(args.spec);
    const std::int64_t first = visible_keys(args.spec, segment, rows.query_begin).begin / kKeyChunk;
    const std::int64_t end = visible_keys(args.spec, segment, rows.query_end - 1).end;
    kernels.attend_chunk(args, rows, first, memory, scratch.totals);
    for (std::int64_t chunk = first + 1; chunk * kKeyChunk < end; ++chunk) {
      kernels.attend_chunk(args, rows, chunk, memory, scratch.states);
      kernels.merge(args, pairs, scratch.states, false, scratch.totals);
    }
    kernels.finish(args, rows, scratch.totals);
  }
}

}  // namespace
}  // namespace swiftlet::kernels
