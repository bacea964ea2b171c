#include "swiftlet/eval/distribution.h"

#include <algorithm>
#include <cmath>

#include "swiftlet/core/error.h"
#include "swiftlet/engine/logits.h"
#include "swiftlet/eval/stats.h"

namespace swiftlet {
namespace {

constexpr const char* kWhere = "logits";

// KL of two checked rows, given their log-sum-exps.
double divergence(std::span<const float> reference, double reference_lse, std::span<const float> model,
                  double model_lse) {
  double sum = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double log_p = reference[i] - reference_lse;
    const double p = std::exp(log_p);
    if (p > 0) sum += p * (log_p - (model[i] - model_lse));
  }
  return std::max(sum, 0.0);  // rounding may leave -1e-17 for equal rows
}

}  // namespace

double log_sum_exp(std::span<const float> logits) {
  return log_sum_exp(logits, kWhere);
}

double negative_log_likelihood(std::span<const float> logits, std::size_t target) {
  require(target < logits.size(), kWhere, "target {} lies outside the {} logits", target, logits.size());
  return log_sum_exp(logits) - logits[target];
}

double kl_divergence(std::span<const float> reference, std::span<const float> model) {
  require(reference.size() == model.size(), kWhere,
          "the models must share a vocabulary, got {} and {} logits", reference.size(), model.size());
  return divergence(reference, log_sum_exp(reference), model, log_sum_exp(model));
}

std::size_t top_1(std::span<const float> logits) {
  return top_logit(logits, kWhere);
}

void DivergenceMeter::add(std::span<const float> reference, std::span<const float> model) {
  rows_.push_back(kl_divergence(reference, model));
  agreed_ += top_1(reference) == top_1(model) ? 1 : 0;
}

DivergenceSummary DivergenceMeter::summary() const {
  require(!rows_.empty(), "divergence", "no row was compared");
  DivergenceSummary result;
  result.rows = rows_.size();
  result.mean_kl = mean(rows_);
  result.p95_kl = quantile(rows_, 0.95);
  result.max_kl = *std::max_element(rows_.begin(), rows_.end());
  result.top1_agreement = static_cast<double>(agreed_) / static_cast<double>(rows_.size());
  return result;
}

}  // namespace swiftlet
