#include "swiftlet/engine/logits_processor.h"

#include <algorithm>
#include <cmath>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

constexpr const char* kWhere = "sampler";

using Tokens = std::span<const std::int32_t>;

Tokens last_of(Tokens tokens, int window) {
  const auto count = static_cast<std::size_t>(window);
  return window == 0 || tokens.size() <= count ? tokens : tokens.last(count);
}

float& at(std::span<float> logits, std::int32_t token) {
  return logits[static_cast<std::size_t>(token)];
}

// Calls visit(token, count) once for each distinct token.
template <class Visit>
void for_counts(Tokens tokens, std::vector<std::int32_t>& counts, Visit visit) {
  for (const std::int32_t token : tokens) ++counts[static_cast<std::size_t>(token)];
  for (const std::int32_t token : tokens) {
    std::int32_t& count = counts[static_cast<std::size_t>(token)];
    if (count > 0) visit(token, count);
    count = 0;
  }
}

void penalize_repetition(std::span<float> logits, float penalty, Tokens tokens,
                         std::vector<std::int32_t>& counts) {
  for_counts(tokens, counts, [&](std::int32_t token, std::int32_t) {
    float& logit = at(logits, token);
    logit = logit < 0 ? logit * penalty : logit / penalty;
  });
}

void penalize_presence(std::span<float> logits, const LogitsOptions& options, Tokens generated,
                       std::vector<std::int32_t>& counts) {
  for_counts(generated, counts, [&](std::int32_t token, std::int32_t count) {
    at(logits, token) -= options.presence_penalty + options.frequency_penalty * static_cast<float>(count);
  });
}

void forbid_ngrams(std::span<float> logits, std::size_t size, Tokens tokens) {
  if (tokens.size() < size) return;
  const Tokens begun = tokens.last(size - 1);
  for (std::size_t i = 0; i + size <= tokens.size(); ++i)
    if (std::equal(begun.begin(), begun.end(), tokens.begin() + static_cast<std::ptrdiff_t>(i)))
      at(logits, tokens[i + size - 1]) = -INFINITY;
}

// lengths[i]: how many tokens before place i are the same as those at the end of all, at most `most` (the Z
// function of the reversed text; Gusfield, 1997).
void repeated_lengths(Tokens tokens, std::size_t most, std::vector<std::int32_t>& lengths) {
  const std::size_t n = tokens.size();
  lengths.assign(n + 1, 0);
  const auto reversed = [&](std::size_t i) { return tokens[n - 1 - i]; };
  std::vector<std::int32_t>& z = lengths;  // of the suffix that begins i before the end
  std::size_t left = 0, right = 0;         // the match that reaches furthest
  for (std::size_t i = 1; i < n; ++i) {
    std::size_t length = 0;
    if (i < right) length = std::min(right - i, static_cast<std::size_t>(z[i - left]));
    while (i + length < n && length < most && reversed(length) == reversed(i + length)) ++length;
    z[i] = static_cast<std::int32_t>(length);
    if (i + length > right) left = i, right = i + length;
  }
}

void penalize_continued_repetition(std::span<float> logits, const LogitsOptions& options, Tokens tokens,
                                   LogitsScratch& scratch) {
  const auto is_breaker = [&](std::int32_t token) {
    return std::binary_search(options.dry_breakers.begin(), options.dry_breakers.end(), token);
  };
  std::size_t most = 0;  // a repetition ends at the last breaker
  while (most < tokens.size() && !is_breaker(tokens[tokens.size() - 1 - most])) ++most;
  const auto allowed = static_cast<std::size_t>(options.dry_allowed_length);
  if (most < allowed) return;
  repeated_lengths(tokens, most, scratch.lengths);
  std::vector<std::int32_t>& longest = scratch.counts;  // of each token that followed such a repetition
  const std::size_t n = tokens.size();
  const auto follower = [&](std::size_t i) { return static_cast<std::size_t>(tokens[n - i]); };
  for (std::size_t i = 1; i < n; ++i)
    longest[follower(i)] = std::max(longest[follower(i)], scratch.lengths[i]);
  // Beyond this power the penalty is beyond any logit.
  const double most_power = options.dry_base > 1 ? 80 / std::log(static_cast<double>(options.dry_base)) : 0;
  for (std::size_t i = 1; i < n; ++i) {
    const std::int32_t length = std::exchange(longest[follower(i)], 0);
    if (length < options.dry_allowed_length || is_breaker(tokens[n - i])) continue;
    const double power = std::min<double>(length - options.dry_allowed_length, most_power);
    logits[follower(i)] -= static_cast<float>(options.dry_multiplier * std::pow(options.dry_base, power));
  }
}

void forbid_words(std::span<float> logits, const LogitsOptions& options, Tokens tokens) {
  for (const std::vector<std::int32_t>& word : options.banned) {
    const Tokens begun = Tokens(word).first(word.size() - 1);
    if (begun.size() <= tokens.size() && std::ranges::equal(begun, tokens.last(begun.size())))
      at(logits, word.back()) = -INFINITY;
  }
}

}  // namespace

bool LogitsOptions::active() const {
  return !bias.empty() || repetition_penalty != 1 || presence_penalty != 0 || frequency_penalty != 0 ||
         no_repeat_ngram > 0 || dry_multiplier > 0 || !banned.empty() || min_new_tokens > 0;
}

void check(const LogitsOptions& options, std::int64_t vocabulary) {
  const auto want = [](bool good, const char* name, const char* range, auto value) {
    if (!good) fail(ErrorCode::kUsage, kWhere, "{} must be {}, got {}", name, range, value);
  };
  const auto token = [&](std::int32_t id) {
    if (id < 0 || id >= vocabulary)
      fail(ErrorCode::kUsage, kWhere, "token id {} is outside the vocabulary of {}", id, vocabulary);
  };
  const float repetition = options.repetition_penalty;
  want(repetition > 0 && std::isfinite(repetition), "repetition penalty", "above 0", repetition);
  want(std::isfinite(options.presence_penalty), "presence penalty", "finite", options.presence_penalty);
  want(std::isfinite(options.frequency_penalty), "frequency penalty", "finite", options.frequency_penalty);
  want(options.penalty_window >= 0, "penalty window", "at least 0", options.penalty_window);
  want(options.no_repeat_ngram >= 0, "no-repeat n-gram", "at least 0", options.no_repeat_ngram);
  want(options.dry_multiplier >= 0 && std::isfinite(options.dry_multiplier), "DRY multiplier", "at least 0",
       options.dry_multiplier);
  want(options.dry_base >= 1 && std::isfinite(options.dry_base), "DRY base", "at least 1", options.dry_base);
  want(options.dry_allowed_length >= 1, "DRY allowed length", "at least 1", options.dry_allowed_length);
  want(options.min_new_tokens >= 0, "minimum of new tokens", "at least 0", options.min_new_tokens);
  for (const auto& [id, bias] : options.bias) {
    token(id);
    want(!std::isnan(bias) && bias != INFINITY, "logit bias", "finite or -inf", bias);
  }
  for (const auto& word : options.banned) {
    if (word.empty()) fail(ErrorCode::kUsage, kWhere, "a banned word must have at least one token");
    std::ranges::for_each(word, token);
  }
}

std::span<const float> process(std::span<const float> logits, const LogitsOptions& options, Tokens tokens,
                               std::size_t prompt, Tokens end_tokens, LogitsScratch& scratch) {
  if (!options.active()) return logits;
  scratch.logits.assign(logits.begin(), logits.end());
  scratch.counts.resize(logits.size(), 0);
  const std::span<float> row = scratch.logits;
  for (const auto& [token, bias] : options.bias) at(row, token) += bias;
  const Tokens recent = last_of(tokens, options.penalty_window), generated = tokens.subspan(prompt);
  if (options.repetition_penalty != 1)
    penalize_repetition(row, options.repetition_penalty, recent, scratch.counts);
  if (options.presence_penalty != 0 || options.frequency_penalty != 0)
    penalize_presence(row, options, generated, scratch.counts);
  if (options.no_repeat_ngram > 0)
    forbid_ngrams(row, static_cast<std::size_t>(options.no_repeat_ngram), tokens);
  if (options.dry_multiplier > 0) penalize_continued_repetition(row, options, recent, scratch);
  forbid_words(row, options, tokens);
  if (static_cast<std::int64_t>(generated.size()) < options.min_new_tokens)
    for (const std::int32_t token : end_tokens) at(row, token) = -INFINITY;
  return row;
}

}  // namespace swiftlet
