// Attention by its formula, one query at a time: the definition. Sums within a block of keys are in double;
// the running state is f32, as between the chunks.
#include <cmath>
#include <cstring>
#include <limits>

#include "swiftlet/core/float_bits.h"
#include "swiftlet/kernels/generic/attention_parts.h"
#include "swiftlet/kernels/scalar/scalar.h"

namespace swiftlet::kernels {
namespace {

constexpr float kNone = -std::numeric_limits<float>::infinity();

// The head's part of a cache block; `size` as in cache_head_bytes.
template <class T>
const T* head_block(const KeyValues& kv, const void* cache, std::int64_t place, std::int64_t size) {
  return reinterpret_cast<const T*>(static_cast<const std::byte*>(cache) +
                                    place * cache_head_bytes(kv.dtype, size));
}

// An element of a cache in f32 or int8, by its place among the elements of key or value `offset` of a head.
float cache_element(const KeyValues& kv, const void* cache, std::int64_t place, std::int64_t size,
                    std::int64_t index, std::int64_t offset) {
  if (kv.dtype == DType::kF32) return head_block<float>(kv, cache, place, size)[index];
  const auto* codes = head_block<std::int8_t>(kv, cache, place, size);
  return codes[index] * reinterpret_cast<const float*>(codes + kKeyBlock * size)[offset];
}

float cached_key(const AttentionArgs& args, std::int64_t place, std::int64_t offset, int d) {
  const KeyValues& kv = args.kv;
  const int size = args.spec.head_dim;
  if (kv.dtype == DType::kBF16)
    return bf16_to_f32(
        head_block<std::uint16_t>(kv, kv.keys, place, size)[(d / 2 * kKeyBlock + offset) * 2 + d % 2]);
  return cache_element(kv, kv.keys, place, size, d * kKeyBlock + offset, offset);
}

float cached_value(const AttentionArgs& args, std::int64_t place, std::int64_t offset, int e) {
  constexpr std::int64_t kHalf = kKeyBlock / 2;
  const KeyValues& kv = args.kv;
  const int size = args.spec.value_dim;
  if (kv.dtype == DType::kBF16)
    return bf16_to_f32(head_block<std::uint16_t>(kv, kv.values, place,
                                                 size)[(offset % kHalf * size + e) * 2 + offset / kHalf]);
  return cache_element(kv, kv.values, place, size, offset * size + e, offset);
}

// One query head of one row, with its keys.
struct Query {
  const AttentionArgs& args;
  const Segment& segment;
  std::int64_t row;
  int head, kv_head;

  // Of the block that holds key j.
  std::int64_t place(std::int64_t j) const {
    return std::int64_t{segment.blocks[j / kKeyBlock]} * args.spec.kv_heads + kv_head;
  }
  float key(std::int64_t j, int d) const {
    const KeyValues& kv = args.kv;
    if (kv.paged) return cached_key(args, place(j), j % kKeyBlock, d);
    const std::int64_t column = std::int64_t{kv_head} * args.spec.head_dim + d;
    return static_cast<const float*>(kv.keys)[(segment.key_begin + j) * kv.ldk + column];
  }
  float value(std::int64_t j, int e) const {
    const KeyValues& kv = args.kv;
    if (kv.paged) return cached_value(args, place(j), j % kKeyBlock, e);
    const std::int64_t column = std::int64_t{kv_head} * args.spec.value_dim + e;
    return static_cast<const float*>(kv.values)[(segment.key_begin + j) * kv.ldv + column];
  }

  float score(std::int64_t j) const {
    const AttentionSpec& spec = args.spec;
    const float* q = args.q + row * args.ldq + std::int64_t{head} * spec.head_dim;
    double dot = 0;
    for (int d = 0; d < spec.head_dim; ++d) dot += static_cast<double>(q[d]) * key(j, d);
    double score = dot * spec.scale;
    if (spec.soft_cap > 0) score = spec.soft_cap * std::tanh(score / spec.soft_cap);
    const std::int64_t distance = j - query_position(segment, row);
    if (spec.alibi)
      score -= static_cast<double>(args.alibi_slopes[head]) * std::abs(static_cast<double>(distance));
    if (spec.relative_bias == RelativeBias::kT5) {
      const std::int64_t width = 2 * args.bias_extent - 1;
      const std::int64_t at = smaller(larger(distance + args.bias_extent - 1, 0), width - 1);
      score += args.bias[head * width + at];
    }
    return static_cast<float>(score);
  }
};

// exp(from - to), where a state that saw nothing weighs nothing.
float weight_of(float from, float to) {
  return std::exp(from - (to == kNone ? 0.0f : to));
}

// Continues the state of one pair over keys [range.begin, range.end) of one block.
void attend_block(const Query& query, KeyRange range, float* state, std::int64_t maximum) {
  const int values = query.args.spec.value_dim;
  float scores[kKeyBlock];
  float largest = state[maximum];
  for (std::int64_t j = range.begin; j < range.end; ++j) {
    const float score = query.score(j);
    scores[j - range.begin] = score;
    largest = score > largest ? score : largest;
  }
  const float keep = weight_of(state[maximum], largest);
  double sum = static_cast<double>(state[maximum + 1]) * keep;
  for (std::int64_t j = range.begin; j < range.end; ++j) {
    scores[j - range.begin] = weight_of(scores[j - range.begin], largest);
    sum += scores[j - range.begin];
  }
  for (int e = 0; e < values; ++e) {
    double total = static_cast<double>(state[e]) * keep;
    for (std::int64_t j = range.begin; j < range.end; ++j)
      total += static_cast<double>(scores[j - range.begin]) * query.value(j, e);
    state[e] = static_cast<float>(total);
  }
  state[maximum] = largest;
  state[maximum + 1] = static_cast<float>(sum);
}

void attend_chunk(const AttentionArgs& args, const AttentionPart& part, std::int64_t chunk, std::byte*,
                  float* states) noexcept {
  const Segment& segment = args.segments[part.segment];
  const std::int64_t heads = heads_per_group(args.spec), width = state_floats(args.spec);
  const KeyRange chunk_keys{chunk * kKeyChunk, (chunk + 1) * kKeyChunk};
  for (std::int64_t row = part.query_begin; row < part.query_end; ++row) {
    const KeyRange seen = intersect(visible_keys(args.spec, segment, row), chunk_keys);
    for (std::int64_t h = 0; h < heads; ++h, states += width) {
      const Query query{args, segment, row, static_cast<int>(part.kv_head * heads + h), part.kv_head};
      std::memset(states, 0, static_cast<std::size_t>(width) * sizeof(float));
      states[maximum_at(args.spec)] = kNone;
      for (std::int64_t j = seen.begin; j < seen.end;) {
        const std::int64_t next = smaller(seen.end, round_up(j + 1, kKeyBlock));
        attend_block(query, {j, next}, states, maximum_at(args.spec));
        j = next;
      }
    }
  }
}

void merge(const AttentionArgs& args, std::int64_t pairs, const float* states, bool first,
           float* totals) noexcept {
  const std::int64_t width = state_floats(args.spec), maximum = maximum_at(args.spec);
  for (std::int64_t pair = 0; pair < pairs; ++pair, totals += width, states += width) {
    if (!first && is_empty_state(states + maximum)) continue;
    if (first || is_empty_state(totals + maximum)) {
      std::memcpy(totals, states, static_cast<std::size_t>(width) * sizeof(float));
      continue;
    }
    const float largest = states[maximum] > totals[maximum] ? states[maximum] : totals[maximum];
    const float keep = weight_of(totals[maximum], largest), more = weight_of(states[maximum], largest);
    for (int e = 0; e < args.spec.value_dim; ++e) totals[e] = totals[e] * keep + states[e] * more;
    totals[maximum] = largest;
    totals[maximum + 1] = totals[maximum + 1] * keep + states[maximum + 1] * more;
  }
}

// A sink is one more key of value zero; it does not count where there is no key.
void finish_pair(const AttentionArgs& args, std::int64_t row, std::int64_t head, const float* state) {
  const AttentionSpec& spec = args.spec;
  float largest = state[maximum_at(spec)], sum = state[maximum_at(spec) + 1], keep = 1;
  if (spec.sinks && sum != 0) {
    const float sink = args.sink_logits[head];
    const float raised = sink > largest ? sink : largest;
    keep = weight_of(largest, raised);
    sum = sum * keep + weight_of(sink, raised);
    largest = raised;
  }
  float* y = args.y + row * args.ldy + head * spec.value_dim;
  for (int e = 0; e < spec.value_dim; ++e) y[e] = sum == 0 ? 0.0f : state[e] * keep / sum;
  if (spec.log_sum_exp) args.log_sum_exp[row * spec.heads + head] = largest + std::log(sum);
}

void finish(const AttentionArgs& args, const AttentionPart& part, const float* totals) noexcept {
  const std::int64_t heads = heads_per_group(args.spec), width = state_floats(args.spec);
  for (std::int64_t row = part.query_begin; row < part.query_end; ++row)
    for (std::int64_t h = 0; h < heads; ++h, totals += width)
      finish_pair(args, row, part.kv_head * heads + h, totals);
}

}  // namespace

AttentionKernels scalar_attention_kernels() {
  return {attend_chunk, merge, finish, nullptr};
}

}  // namespace swiftlet::kernels
