#include "swiftlet/engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "swiftlet/core/error.h"
#include "swiftlet/engine/logits.h"

namespace swiftlet {
namespace {

constexpr const char* kWhere = "sampler";

bool by_rank(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

// Tokens that are not ruled out already, in the order of their ids.
void collect(std::span<const float> logits, std::vector<Candidate>& candidates) {
  candidates.clear();
  candidates.reserve(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i)
    if (logits[i] != -INFINITY) candidates.push_back({static_cast<std::int32_t>(i), logits[i], 0});
}

void keep_top_k(std::vector<Candidate>& candidates, std::size_t k) {
  if (k >= candidates.size()) return;
  const auto kth = candidates.begin() + static_cast<std::ptrdiff_t>(k - 1);
  std::nth_element(candidates.begin(), kth, candidates.end(), by_rank);
  const float threshold = kth->logit;
  const auto end = std::partition(kth + 1, candidates.end(),
                                  [threshold](const Candidate& c) { return c.logit == threshold; });
  candidates.erase(end, candidates.end());
}

double weigh(std::vector<Candidate>& candidates, float largest, float temperature) {
  double total = 0;
  for (Candidate& candidate : candidates) {
    candidate.weight = std::exp((static_cast<double>(candidate.logit) - largest) / temperature);
    total += candidate.weight;
  }
  return total;
}

// Takes the most probable from a heap until their mass is reached: the nucleus is mostly small, so that a
// full sort of the vocabulary would be waste.
void keep_top_p(std::vector<Candidate>& candidates, double mass) {
  const auto lower = [](const Candidate& a, const Candidate& b) { return by_rank(b, a); };
  std::make_heap(candidates.begin(), candidates.end(), lower);
  double sum = 0;
  auto rest = candidates.end();
  while (rest != candidates.begin() && sum < mass) {
    std::pop_heap(candidates.begin(), rest, lower);
    sum += (--rest)->weight;
  }
  // The kept ones stand at the end, the most probable last.
  std::reverse(candidates.begin(), candidates.end());
  candidates.erase(candidates.begin() + (candidates.end() - rest), candidates.end());
}

// Every weight relates to the likeliest token's, which is 1.
void keep_min_p(std::vector<Candidate>& candidates, double least) {
  std::erase_if(candidates, [least](const Candidate& c) { return c.weight < least; });
}

double sum_of_weights(std::span<const Candidate> candidates) {
  double total = 0;
  for (const Candidate& candidate : candidates) total += candidate.weight;
  return total;
}

void keep_typical(std::vector<Candidate>& candidates, float largest, const SamplingOptions& options) {
  const double total = sum_of_weights(candidates);
  double entropy = 0;
  for (const Candidate& c : candidates)
    if (c.weight > 0) entropy -= c.weight / total * std::log(c.weight / total);
  // The logit whose surprise is the entropy; how far another's lies is told by its logit alone.
  const double middle = largest - options.temperature * (entropy - std::log(total));
  const auto distance = [middle](const Candidate& c) { return std::abs(c.logit - middle); };
  std::sort(candidates.begin(), candidates.end(), [&](const Candidate& a, const Candidate& b) {
    return distance(a) != distance(b) ? distance(a) < distance(b) : by_rank(a, b);
  });
  double sum = 0, last = 0;
  for (const Candidate& c : candidates) {
    if (sum >= static_cast<double>(options.typical_p) * total) break;
    sum += c.weight;
    last = distance(c);
  }
  std::erase_if(candidates, [&](const Candidate& c) { return distance(c) > last; });
}

// Version 1: how many tokens a Zipf distribution has below the bound, its exponent estimated from the
// likeliest.
std::size_t zipf_count(const std::vector<Candidate>& ranked, std::size_t vocabulary, double bound) {
  constexpr std::size_t kEstimated = 100;
  double products = 0, squares = 0;
  for (std::size_t i = 0; i + 1 < std::min(kEstimated, ranked.size()) && ranked[i + 1].weight > 0; ++i) {
    const double rank = std::log(static_cast<double>(i + 2) / static_cast<double>(i + 1));
    products += rank * std::log(ranked[i].weight / ranked[i + 1].weight);
    squares += rank * rank;
  }
  if (squares == 0 || products == 0) return ranked.size();
  const double exponent = products / squares, epsilon = exponent - 1;
  const double count =
      std::pow(epsilon * std::exp2(bound) / (1 - std::pow(vocabulary, -epsilon)), 1 / exponent);
  if (!(count >= 1)) return 1;
  return count < static_cast<double>(ranked.size()) ? static_cast<std::size_t>(count) : ranked.size();
}

void keep_below_bound(std::vector<Candidate>& candidates, std::size_t vocabulary,
                      const SamplingOptions& options, double bound) {
  std::sort(candidates.begin(), candidates.end(), by_rank);
  std::size_t count = 1;
  if (options.mirostat == 1) {
    count = zipf_count(candidates, vocabulary, bound);
  } else {
    const double least = std::exp2(-bound) * sum_of_weights(candidates);
    while (count < candidates.size() && candidates[count].weight >= least) ++count;
  }
  candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(count), candidates.end());
}

}  // namespace

void check(const SamplingOptions& options) {
  const auto refuse = [](const char* name, const char* range, auto value) {
    fail(ErrorCode::kUsage, kWhere, "{} must be {}, got {}", name, range, value);
  };
  if (!(options.temperature >= 0) || std::isinf(options.temperature))
    refuse("temperature", "at least 0", options.temperature);
  if (options.top_k < 0) refuse("top-k", "at least 0", options.top_k);
  if (!(options.top_p > 0 && options.top_p <= 1)) refuse("top-p", "above 0 and at most 1", options.top_p);
  if (!(options.min_p >= 0 && options.min_p <= 1)) refuse("min-p", "0 to 1", options.min_p);
  if (!(options.typical_p > 0 && options.typical_p <= 1))
    refuse("typical-p", "above 0 and at most 1", options.typical_p);
  if (options.mirostat < 0 || options.mirostat > 2) refuse("mirostat", "0, 1 or 2", options.mirostat);
  if (options.mirostat == 0) return;
  const auto positive = [&](const char* name, float value) {
    if (!(value > 0) || std::isinf(value)) refuse(name, "above 0", value);
  };
  positive("mirostat tau", options.mirostat_tau);
  positive("mirostat eta", options.mirostat_eta);
  if (options.greedy()) fail(ErrorCode::kUsage, kWhere, "mirostat needs a temperature above 0");
  if (options.top_k > 0 || options.top_p < 1 || options.min_p > 0 || options.typical_p < 1)
    fail(ErrorCode::kUsage, kWhere, "mirostat takes the place of top-k, top-p, min-p and typical-p");
}

std::span<const Candidate> filter(std::span<const float> logits, const SamplingOptions& options,
                                  SamplerScratch& scratch, const SamplerState& state) {
  SWIFTLET_ASSERT(options.temperature > 0);
  const float largest = logits[top_logit(logits, kWhere)];
  std::vector<Candidate>& candidates = scratch.candidates;
  collect(logits, candidates);
  if (options.top_k > 0) {
    keep_top_k(candidates, static_cast<std::size_t>(options.top_k));
    // The selection leaves an order that is the library's own affair; the draw must not depend on it.
    std::sort(candidates.begin(), candidates.end(), by_rank);
  }
  const double total = weigh(candidates, largest, options.temperature);
  if (options.mirostat > 0) {
    keep_below_bound(candidates, logits.size(), options, state.bound);
    return candidates;
  }
  if (options.top_p < 1) keep_top_p(candidates, static_cast<double>(options.top_p) * total);
  if (options.min_p > 0) keep_min_p(candidates, options.min_p);
  if (options.typical_p < 1) keep_typical(candidates, largest, options);
  return candidates;
}

std::int32_t sample(std::span<const float> logits, const SamplingOptions& options, double draw,
                    SamplerScratch& scratch, SamplerState& state) {
  if (options.greedy()) return static_cast<std::int32_t>(top_logit(logits, kWhere));
  SWIFTLET_ASSERT(draw >= 0 && draw < 1);
  const std::span<const Candidate> candidates = filter(logits, options, scratch, state);
  const double total = sum_of_weights(candidates), target = draw * total;
  double sum = 0;
  const Candidate* chosen = &candidates.front();
  for (const Candidate& candidate : candidates) {
    if (candidate.weight > 0) chosen = &candidate;  // rounding may leave the target just above the last sum
    sum += candidate.weight;
    if (sum > target) break;
  }
  if (options.mirostat > 0)
    state.bound -= options.mirostat_eta * (-std::log2(chosen->weight / total) - options.mirostat_tau);
  return chosen->token;
}

}  // namespace swiftlet
