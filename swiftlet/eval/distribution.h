// Comparing two models by the distributions that they predict: KL divergence and top-1 agreement, row by row
// of their logits. Arithmetic in double over log-softmax. Pure functions, any thread; an accumulator by one
// at a time.
//
// A row is f32 logits [V]. -inf is a token of probability 0; NaN, +inf or a row of nothing but -inf throws
// kInvalid.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace swiftlet {

// log(sum(exp(logits))), stable for any magnitude.
double log_sum_exp(std::span<const float> logits);

// -log softmax(logits)[target] in nats: what perplexity adds up. Throws kInvalid for a target outside the
// row.
double negative_log_likelihood(std::span<const float> logits, std::size_t target);

// KL(reference || model) in nats, >= 0; infinite where the model rules out what the reference allows.
double kl_divergence(std::span<const float> reference, std::span<const float> model);

// Index of the largest logit, the lowest of equals.
std::size_t top_1(std::span<const float> logits);

struct DivergenceSummary {
  std::size_t rows = 0;
  double mean_kl = 0;  // nats
  double p95_kl = 0;   // 95% of the rows diverge less
  double max_kl = 0;
  double top1_agreement = 0;  // share of the rows where both models prefer the same token
};

class DivergenceMeter {
 public:
  void add(std::span<const float> reference, std::span<const float> model);
  // Throws kInvalid when no row was added.
  DivergenceSummary summary() const;
  // The divergence of every row in nats, in order.
  std::span<const double> rows() const { return rows_; }

 private:
  std::vector<double> rows_;  // 8 bytes a token scored, kept for the quantile
  std::size_t agreed_ = 0;
};

}  // namespace swiftlet
