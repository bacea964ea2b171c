#include "swiftlet/eval/perplexity.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "swiftlet/core/error.h"

namespace swiftlet {

std::vector<Window> plan_windows(std::size_t tokens, std::size_t context, std::size_t stride) {
  if (context < 2)
    fail(ErrorCode::kUsage, "perplexity", "context must be at least 2 tokens, got {}", context);
  if (stride < 1 || stride > context)
    fail(ErrorCode::kUsage, "perplexity", "stride must lie in 1..{} (the context), got {}", context, stride);
  require(tokens >= 2, "perplexity", "expected a text of at least 2 tokens, got {}", tokens);
  std::vector<Window> windows;
  std::size_t scored_to = 0;
  for (std::size_t begin = 0; scored_to < tokens; begin += stride) {
    const std::size_t end = begin + std::min(context, tokens - begin);
    // The first token of a window has no predecessor in it, so nothing predicts it.
    const Window window{begin, end, std::max(scored_to, begin + 1)};
    if (window.first_scored < window.end) windows.push_back(window);
    scored_to = end;
  }
  return windows;
}

void PerplexityMeter::add(double nll) {
  require(!std::isnan(nll), "perplexity", "the negative log-likelihood of scored token {} is NaN", scored_);
  total_.add(nll);
  ++scored_;
}

double PerplexityMeter::mean_nll() const {
  require(scored_ > 0, "perplexity", "no token was scored");
  return total_nll() / static_cast<double>(scored_);
}

double PerplexityMeter::perplexity() const {
  return std::exp(mean_nll());
}

double PerplexityMeter::bits_per_byte(std::size_t bytes) const {
  require(bytes > 0, "perplexity", "bits per byte of a text of 0 bytes is undefined");
  return total_nll() / std::numbers::ln2 / static_cast<double>(bytes);
}

}  // namespace swiftlet
