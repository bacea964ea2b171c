// Perplexity of a long text under a model of limited context, with overlapping windows as in the transformers
// documentation ("Perplexity of fixed-length models").
//
//   context 8, stride 4, 14 tokens      begin end first_scored
//   . # # # # # # #                       0    8       1      token 0 has no context: unscored
//           . . . . # # # #               4   12       8
//                   . . . . # #           8   14      12
//
// Each window is fed whole; only tokens [first_scored, end) count, so that every token counts once, with as
// much context as its window gives. Pure functions, any thread.
#pragma once

#include <cstddef>
#include <vector>

#include "swiftlet/eval/stats.h"

namespace swiftlet {

struct Window {
  std::size_t begin = 0;         // first token fed
  std::size_t end = 0;           // one past the last token fed
  std::size_t first_scored = 0;  // first token whose likelihood counts; its logits stand one row before it
  std::size_t scored() const { return end - first_scored; }
  bool operator==(const Window&) const = default;
};

// The windows over `tokens` tokens. 1 <= stride <= context, context >= 2, tokens >= 2; throws kUsage or
// kInvalid otherwise. With stride == context the windows do not overlap, and the first token of each, which
// has no context, stays unscored (as in transformers); any smaller stride scores all but the first token of
// the text. A window that would score nothing is left out.
std::vector<Window> plan_windows(std::size_t tokens, std::size_t context, std::size_t stride);

// Adds up negative log-likelihoods in nats.
class PerplexityMeter {
 public:
  // nll: -log p(token | context) >= 0. Infinity (a token of probability 0) is taken; NaN throws kInvalid.
  void add(double nll);
  std::size_t scored() const { return scored_; }
  double total_nll() const { return total_.value(); }  // nats
  double mean_nll() const;    // nats per token; throws kInvalid when nothing was added
  double perplexity() const;  // exp(mean_nll())
  // Bits that the model needs per byte of a text of `bytes` bytes: comparable between tokenizers.
  double bits_per_byte(std::size_t bytes) const;

 private:
  CompensatedSum total_;
  std::size_t scored_ = 0;
};

}  // namespace swiftlet
