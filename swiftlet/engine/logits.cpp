#include "swiftlet/engine/logits.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::int32_t kInfinity = 0x7f800000;

// Of some logits, in integers that compilers find vectors for: the largest, as a number that orders like it,
// and the largest magnitude, which is over kInfinity for a NaN.
struct Extremes {
  std::int32_t largest = INT32_MIN, magnitude = 0;
};
std::int32_t ordered_bits(float x) {
  const auto bits = std::bit_cast<std::int32_t>(x);
  return bits ^ ((bits >> 31) & INT32_MAX);
}
Extremes extremes_of(std::span<const float> logits) {
  Extremes e;
  for (const float logit : logits) {
    e.largest = std::max(e.largest, ordered_bits(logit));
    e.magnitude = std::max(e.magnitude, std::bit_cast<std::int32_t>(logit) & INT32_MAX);
  }
  return e;
}

}  // namespace

std::size_t top_logit(std::span<const float> logits, std::string_view where) {
  require(!logits.empty(), where, "expected at least one logit");
  std::size_t best = 0;
  for (std::size_t begin = 0; begin < logits.size(); begin += kBlock) {
    const std::size_t end = std::min(begin + kBlock, logits.size());
    const Extremes e = extremes_of(logits.subspan(begin, end - begin));
    // Most blocks hold nothing that is larger or wrong.
    if (begin > 0 && e.largest <= ordered_bits(logits[best]) && e.magnitude <= kInfinity) continue;
    for (std::size_t i = begin; i < end; ++i) {
      if (std::isnan(logits[i]) || logits[i] == INFINITY) [[unlikely]]
        fail(ErrorCode::kInvalid, where, "logit {} of {} is {}", i, logits.size(), logits[i]);
      if (logits[i] > logits[best]) best = i;
    }
  }
  require(logits[best] != -INFINITY, where, "all {} logits are -inf", logits.size());
  return best;
}

double log_sum_exp(std::span<const float> logits, std::string_view where) {
  const double largest = logits[top_logit(logits, where)];
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return largest + std::log(sum);
}

}  // namespace swiftlet
