// Merging the states of attention and dividing at the end, over the vectors of <isa>/vec.h, which the
// including file includes before this one.
#pragma once

#include "swiftlet/kernels/generic/attention_softmax.h"

namespace swiftlet::kernels {
namespace {

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

}  // namespace
}  // namespace swiftlet::kernels
