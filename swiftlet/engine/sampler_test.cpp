#include "swiftlet/engine/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"
#include "swiftlet/core/rng.h"

namespace swiftlet {
namespace {

using Floats = std::vector<float>;
using Doubles = std::vector<double>;

Floats normal_logits(std::uint64_t seed, std::size_t count, double scale) {
  Floats logits(count);
  for (std::size_t i = 0; i < count; ++i) {  // Box and Muller
    const double radius = std::sqrt(-2 * std::log(1 - uniform(seed, 0, i)));
    logits[i] = static_cast<float>(scale * radius * std::cos(6.283185307179586 * uniform(seed, 1, i)));
  }
  return logits;
}

// The probabilities after the filters, by the definition: sort everything, then cut.
Doubles brute_force(const Floats& logits, const SamplingOptions& options) {
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return logits[a] > logits[b]; });
  Doubles weights(logits.size());
  double total = 0;
  for (std::size_t place = 0; place < order.size(); ++place) {
    const float logit = logits[order[place]];
    if (options.top_k > 0 && logit < logits[order[std::min<std::size_t>(options.top_k, order.size()) - 1]])
      break;
    total += weights[order[place]] = std::exp((double{logit} - logits[order[0]]) / options.temperature);
  }
  double before = 0, kept = 0;
  for (const std::size_t i : order) {
    if (options.top_p < 1 && before >= double{options.top_p} * total) weights[i] = 0;
    before += weights[i];
    kept += weights[i];
  }
  for (double& weight : weights) weight /= kept;
  return weights;
}

Doubles filtered(const Floats& logits, const SamplingOptions& options) {
  SamplerScratch scratch;
  Doubles result(logits.size());
  double total = 0;
  for (const Candidate& candidate : filter(logits, options, scratch)) total += candidate.weight;
  for (const Candidate& candidate : scratch.candidates)
    result.at(static_cast<std::size_t>(candidate.token)) = candidate.weight / total;
  return result;
}

double distance(const Doubles& a, const Doubles& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

std::vector<SamplingOptions> option_grid() {
  std::vector<SamplingOptions> grid;
  for (const float temperature : {0.1f, 0.7f, 1.0f, 3.0f})
    for (const int top_k : {0, 1, 5, 40, 1000})
      for (const float top_p : {1e-6f, 0.3f, 0.9f, 0.999f, 1.0f}) grid.push_back({temperature, top_k, top_p});
  return grid;
}

// With the state of a first token.
std::int32_t sample(std::span<const float> logits, const SamplingOptions& options, double draw,
                    SamplerScratch& scratch) {
  SamplerState state(options);
  return swiftlet::sample(logits, options, draw, scratch, state);
}

TEST(Sampler, FiltersAsTransformersDoes) {
  const auto cases =
      nlohmann::json::parse(read_text_file(SWIFTLET_SOURCE_DIR "/tests/data/metrics/sampling.json"));
  for (const auto& item : cases) {
    const SamplingOptions options{.temperature = item["temperature"],
                                  .top_k = item["top_k"],
                                  .top_p = item["top_p"],
                                  .min_p = item["min_p"],
                                  .typical_p = item["typical_p"]};
    // The warpers work in f32.
    EXPECT_LT(distance(filtered(item["logits"], options), item["probabilities"]), 1e-6)
        << options.temperature << ' ' << options.top_k << ' ' << options.top_p << ' ' << options.min_p << ' '
        << options.typical_p;
  }
}

TEST(Sampler, FiltersAsTheDefinitionDoes) {
  for (const std::size_t count : {1, 2, 7, 48, 300}) {
    const Floats logits = normal_logits(count, count, 3);
    for (const SamplingOptions& options : option_grid())
      ASSERT_LT(distance(filtered(logits, options), brute_force(logits, options)), 1e-14)
          << count << ' ' << options.temperature << ' ' << options.top_k << ' ' << options.top_p;
  }
}

TEST(Sampler, FiltersTiesAndMaskedTokensAsTheDefinitionDoes) {
  Floats logits = normal_logits(5, 120, 2);
  for (float& logit : logits) logit = std::round(logit);  // many ties
  logits[3] = logits[50] = -INFINITY;
  for (const SamplingOptions& options : option_grid())
    ASSERT_LT(distance(filtered(logits, options), brute_force(logits, options)), 1e-14)
        << options.temperature << ' ' << options.top_k << ' ' << options.top_p;
}

TEST(Sampler, TopKKeepsWhatEqualsTheLast) {
  const Doubles p = filtered({1, 2, 2, 2, 0}, {.temperature = 1, .top_k = 2});
  EXPECT_EQ(p[0], 0);
  EXPECT_DOUBLE_EQ(p[1], 1.0 / 3);
  EXPECT_DOUBLE_EQ(p[3], 1.0 / 3);
}

TEST(Sampler, TopPKeepsTheLowerIdOfEquals) {
  const Doubles p = filtered({0, 0, 0, 0}, {.temperature = 1, .top_p = 0.5f});
  EXPECT_EQ(p, (Doubles{0.5, 0.5, 0, 0}));
}

TEST(Sampler, GreedyTakesTheLowestOfEquals) {
  SamplerScratch scratch;
  EXPECT_EQ(sample(Floats{1, 5, 5, -INFINITY}, {}, 0.99, scratch), 1);
  EXPECT_TRUE(scratch.candidates.empty());
}

TEST(Sampler, DrawsFollowTheDistribution) {
  const Floats logits = normal_logits(9, 30, 1.5);
  SamplerScratch scratch;
  for (const SamplingOptions& options : std::vector<SamplingOptions>{
           {.temperature = 1}, {.temperature = 0.8f, .top_k = 12}, {.temperature = 1.5f, .top_p = 0.9f}}) {
    constexpr int kDraws = 40000;
    const Doubles expected = brute_force(logits, options);
    std::vector<int> counts(logits.size());
    for (int i = 0; i < kDraws; ++i)
      ++counts[static_cast<std::size_t>(
          sample(logits, options, uniform(17, 0, static_cast<std::uint64_t>(i)), scratch))];
    double chi_square = 0;
    int degrees = -1;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (expected[i] == 0) {
        EXPECT_EQ(counts[i], 0);
        continue;
      }
      const double mean = expected[i] * kDraws;
      chi_square += (counts[i] - mean) * (counts[i] - mean) / mean;
      ++degrees;
    }
    // Five standard deviations of chi-square (mean d, variance 2d) to either side: too even is as wrong as
    // too odd.
    EXPECT_NEAR(chi_square, degrees, 5 * std::sqrt(2.0 * degrees));
  }
}

TEST(Sampler, TheWholeRangeOfDrawsIsCovered) {
  SamplerScratch scratch;
  const Floats logits = {0, -INFINITY, 0, -INFINITY};
  const double last = std::nextafter(1.0, 0.0);
  EXPECT_EQ(sample(logits, {.temperature = 1}, 0, scratch), 0);
  EXPECT_EQ(sample(logits, {.temperature = 1}, 0.4999, scratch), 0);
  EXPECT_EQ(sample(logits, {.temperature = 1}, 0.5, scratch), 2);
  EXPECT_EQ(sample(logits, {.temperature = 1}, last, scratch), 2);
  // A weight that underflows to zero is never chosen, whatever rounding does.
  EXPECT_EQ(sample(Floats{0, -3e38f}, {.temperature = 1e-3f}, last, scratch), 0);
  EXPECT_EQ(sample(Floats{-3e38f, 0}, {.temperature = 1e-3f}, 0, scratch), 1);
}

TEST(Sampler, LowTemperatureBecomesGreedy) {
  SamplerScratch scratch;
  const Floats logits = normal_logits(4, 100, 2);
  const auto best = sample(logits, {}, 0, scratch);
  for (const double draw : {0.0, 0.3, 0.99999})
    EXPECT_EQ(sample(logits, {.temperature = 1e-30f}, draw, scratch), best);
}

TEST(Sampler, AllocatesNothingAfterTheFirstRow) {
  SamplerScratch scratch;
  const Floats logits = normal_logits(6, 5000, 2);
  sample(logits, {.temperature = 1}, 0.5, scratch);
  const Candidate* memory = scratch.candidates.data();
  for (const SamplingOptions& options : option_grid()) sample(logits, options, 0.5, scratch);
  EXPECT_EQ(scratch.candidates.data(), memory);
}

// The surprise of a token in bits, before any filter.
Doubles surprises(const Floats& logits, float temperature) {
  Doubles p = brute_force(logits, {.temperature = temperature});
  for (double& value : p) value = -std::log2(value);
  return p;
}

TEST(Sampler, MirostatKeepsWhatIsBelowItsBound) {
  const Floats logits = normal_logits(21, 500, 2);
  const SamplingOptions options{.temperature = 1.2f, .mirostat = 2, .mirostat_tau = 3};
  const Doubles surprise = surprises(logits, options.temperature);
  SamplerScratch scratch;
  SamplerState state(options);
  EXPECT_EQ(state.bound, 6);
  for (const double bound : {6.0, 4.5, 2.0, 0.0}) {
    state.bound = bound;
    const auto kept = filter(logits, options, scratch, state);
    std::size_t below = 0;
    for (const double value : surprise) below += value <= bound ? 1 : 0;
    EXPECT_EQ(kept.size(), std::max<std::size_t>(below, 1)) << bound;
  }
}

// On a text whose distributions have an entropy above the target, the mean surprise (of what was kept) comes
// to the target in both versions.
TEST(Sampler, MirostatHoldsTheSurprise) {
  for (const int version : {1, 2}) {
    const SamplingOptions options{.temperature = 1, .mirostat = version, .mirostat_tau = 3};
    SamplerScratch scratch;
    SamplerState state(options);
    double sum = 0;
    constexpr int kTokens = 2000, kSettled = 200;
    for (int i = 0; i < kTokens; ++i) {
      Floats logits = normal_logits(static_cast<std::uint64_t>(i), 1000, 1);
      const double before = state.bound;
      swiftlet::sample(logits, options, uniform(3, 0, static_cast<std::uint64_t>(i)), scratch, state);
      // The bound moved by eta * (surprise - tau).
      if (i >= kSettled) sum += (before - state.bound) / options.mirostat_eta + options.mirostat_tau;
    }
    EXPECT_NEAR(sum / (kTokens - kSettled), options.mirostat_tau, 0.05) << "version " << version;
  }
}

TEST(Sampler, RefusesRowsWithoutADistribution) {
  SamplerScratch scratch;
  for (const float temperature : {0.0f, 1.0f}) {
    const SamplingOptions options{.temperature = temperature};
    EXPECT_THROW(sample(Floats{}, options, 0, scratch), Error);
    EXPECT_THROW(sample(Floats{1, NAN, 2}, options, 0, scratch), Error);
    EXPECT_THROW(sample(Floats{1, INFINITY}, options, 0, scratch), Error);
    EXPECT_THROW(sample(Floats{-INFINITY, -INFINITY}, options, 0, scratch), Error);
  }
}

TEST(Sampler, ChecksOptions) {
  const auto message = [](const SamplingOptions& options) -> std::string {
    try {
      check(options);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage);
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message({}), "no error");
  EXPECT_EQ(message({.temperature = 0.7f, .top_k = 40, .top_p = 0.9f}), "no error");
  EXPECT_EQ(message({.temperature = -1}), "[sampler] temperature must be at least 0, got -1");
  EXPECT_NE(message({.temperature = NAN}), "no error");
  EXPECT_NE(message({.temperature = INFINITY}), "no error");
  EXPECT_EQ(message({.top_k = -1}), "[sampler] top-k must be at least 0, got -1");
  EXPECT_EQ(message({.top_p = 0}), "[sampler] top-p must be above 0 and at most 1, got 0");
  EXPECT_NE(message({.top_p = 1.1f}), "no error");
  EXPECT_NE(message({.top_p = NAN}), "no error");
  EXPECT_EQ(message({.min_p = 1.5f}), "[sampler] min-p must be 0 to 1, got 1.5");
  EXPECT_EQ(message({.typical_p = 0}), "[sampler] typical-p must be above 0 and at most 1, got 0");
  EXPECT_EQ(message({.mirostat = 3}), "[sampler] mirostat must be 0, 1 or 2, got 3");
  EXPECT_EQ(message({.temperature = 1, .mirostat = 2}), "no error");
  EXPECT_EQ(message({.temperature = 1, .mirostat = 2, .mirostat_tau = 0}),
            "[sampler] mirostat tau must be above 0, got 0");
  EXPECT_EQ(message({.mirostat = 1}), "[sampler] mirostat needs a temperature above 0");
  EXPECT_EQ(message({.temperature = 1, .top_k = 5, .mirostat = 1}),
            "[sampler] mirostat takes the place of top-k, top-p, min-p and typical-p");
}

}  // namespace
}  // namespace swiftlet
