#include "swiftlet/engine/logits.h"

#include <cmath>

#include "swiftlet/core/error.h"

namespace swiftlet {

std::size_t top_logit(std::span<const float> logits, std::string_view where) {
  require(!logits.empty(), where, "expected at least one logit");
  std::size_t best = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (std::isnan(logits[i]) || logits[i] == INFINITY) [[unlikely]]
      fail(ErrorCode::kInvalid, where, "logit {} of {} is {}", i, logits.size(), logits[i]);
    if (logits[i] > logits[best]) best = i;
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
