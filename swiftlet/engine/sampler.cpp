#include "swiftlet/engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

constexpr const char* kWhere = "sampler";

// Where the largest logit stands, the lowest of equals, after checking the row.
std::size_t checked_top(std::span<const float> logits) {
  require(!logits.empty(), kWhere, "expected at least one logit");
  std::size_t best = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (std::isnan(logits[i]) || logits[i] == INFINITY) [[unlikely]]
      fail(ErrorCode::kInvalid, kWhere, "logit {} of {} is {}", i, logits.size(), logits[i]);
    if (logits[i] > logits[best]) best = i;
  }
  require(logits[best] != -INFINITY, kWhere, "all {} logits are -inf", logits.size());
  return best;
}

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

}  // namespace

void check(const SamplingOptions& options) {
  const auto refuse = [](const char* name, const char* range, auto value) {
    fail(ErrorCode::kUsage, kWhere, "{} must be {}, got {}", name, range, value);
  };
  if (!(options.temperature >= 0) || std::isinf(options.temperature))
    refuse("temperature", "at least 0", options.temperature);
  if (options.top_k < 0) refuse("top-k", "at least 0", options.top_k);
  if (!(options.top_p > 0 && options.top_p <= 1)) refuse("top-p", "above 0 and at most 1", options.top_p);
}

std::span<const Candidate> filter(std::span<const float> logits, const SamplingOptions& options,
                                  SamplerScratch& scratch) {
  SWIFTLET_ASSERT(options.temperature > 0);
  const float largest = logits[checked_top(logits)];
  std::vector<Candidate>& candidates = scratch.candidates;
  collect(logits, candidates);
  if (options.top_k > 0) {
    keep_top_k(candidates, static_cast<std::size_t>(options.top_k));
    // The selection leaves an order that is the library's own affair; the draw must not depend on it.
    std::sort(candidates.begin(), candidates.end(), by_rank);
  }
  const double total = weigh(candidates, largest, options.temperature);
  if (options.top_p < 1) keep_top_p(candidates, static_cast<double>(options.top_p) * total);
  return candidates;
}

std::int32_t sample(std::span<const float> logits, const SamplingOptions& options, double draw,
                    SamplerScratch& scratch) {
  if (options.greedy()) return static_cast<std::int32_t>(checked_top(logits));
  SWIFTLET_ASSERT(draw >= 0 && draw < 1);
  const std::span<const Candidate> candidates = filter(logits, options, scratch);
  double total = 0;
  for (const Candidate& candidate : candidates) total += candidate.weight;
  const double target = draw * total;
  double sum = 0;
  std::int32_t token = candidates.front().token;
  for (const Candidate& candidate : candidates) {
    if (candidate.weight > 0)
      token = candidate.token;  // rounding may leave the target just above the last sum
    sum += candidate.weight;
    if (sum > target) break;
  }
  return token;
}

}  // namespace swiftlet
