#include "swiftlet/engine/logits_processor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"
#include "swiftlet/core/rng.h"

namespace swiftlet {
namespace {

using Floats = std::vector<float>;
using Tokens = std::vector<std::int32_t>;

Floats processed(const Floats& logits, const LogitsOptions& options, const Tokens& tokens,
                 std::size_t prompt = 0, const Tokens& end = {}) {
  check(options, static_cast<std::int64_t>(logits.size()));
  LogitsScratch scratch;
  // Twice: the scratch must be as before.
  process(logits, options, tokens, prompt, end, scratch);
  const auto row = process(logits, options, tokens, prompt, end, scratch);
  return {row.begin(), row.end()};
}

TEST(LogitsProcessor, DoesAsTransformersDoes) {
  const auto cases =
      nlohmann::json::parse(read_text_file(SWIFTLET_SOURCE_DIR "/tests/data/metrics/processors.json"));
  for (const auto& item : cases) {
    LogitsOptions options{.repetition_penalty = item["repetition_penalty"],
                          .no_repeat_ngram = item["no_repeat_ngram"],
                          .banned = item["banned"],
                          .min_new_tokens = item["min_new_tokens"]};
    for (const auto& bias : item["bias"]) options.bias.emplace_back(bias[0], bias[1]);
    const Floats got =
        processed(item["logits"], options, item["tokens"], item["prompt"], Tokens{item["end"]});
    for (std::size_t i = 0; i < got.size(); ++i) {
      const auto& expected = item["processed"][i];
      if (expected.is_null())
        EXPECT_EQ(got[i], -INFINITY) << i << ' ' << item.dump();
      else
        EXPECT_FLOAT_EQ(got[i], expected.get<float>()) << i << ' ' << item.dump();
    }
  }
}

TEST(LogitsProcessor, NothingToDoIsTheRowItself) {
  const Floats logits{1, 2};
  LogitsScratch scratch;
  EXPECT_EQ(process(logits, {}, Tokens{0, 1}, 0, {}, scratch).data(), logits.data());
}

TEST(LogitsProcessor, PresenceAndFrequencyCountGeneratedTokens) {
  const LogitsOptions options{.presence_penalty = 0.5f, .frequency_penalty = 0.25f};
  EXPECT_EQ(processed({1, 1, 1, 1}, options, {3, 3, 3, 0, 1, 0}, 3), (Floats{0, 0.25f, 1, 1}));
}

TEST(LogitsProcessor, TheWindowForgets) {
  const LogitsOptions options{.repetition_penalty = 2, .penalty_window = 2};
  EXPECT_EQ(processed({4, 4, -4, 4}, options, {0, 1, 2, 2}), (Floats{4, 4, -8, 4}));
  EXPECT_EQ(processed({4, 4, -4, 4}, options, {0, 1, 2}), (Floats{4, 2, -8, 4}));
}

// By the definition: for every earlier place, how far back it and the end agree.
Floats dry_by_definition(Floats logits, const LogitsOptions& options, const Tokens& tokens) {
  const auto breaker = [&](std::int32_t token) {
    return std::ranges::count(options.dry_breakers, token) > 0;
  };
  std::map<std::int32_t, int> longest;
  for (std::size_t place = 1; place < tokens.size(); ++place) {
    int length = 0;
    for (std::size_t back = 1; back <= place; ++back, ++length) {
      const std::int32_t token = tokens[place - back];
      if (token != tokens[tokens.size() - back] || breaker(token)) break;
    }
    longest[tokens[place]] = std::max(longest[tokens[place]], length);
  }
  for (const auto& [token, length] : longest)
    if (length >= options.dry_allowed_length && !breaker(token))
      logits[static_cast<std::size_t>(token)] -= static_cast<float>(
          options.dry_multiplier * std::pow(options.dry_base, length - options.dry_allowed_length));
  return logits;
}

TEST(LogitsProcessor, DryPenalizesWhatContinuesARepetition) {
  const LogitsOptions options{.dry_multiplier = 0.8f, .dry_base = 2, .dry_allowed_length = 2};
  //  1 2 3 4 ... 1 2 3: the 4 would make it longer
  EXPECT_EQ(processed(Floats(6, 0.0f), options, {1, 2, 3, 4, 5, 1, 2, 3}), (Floats{0, 0, 0, 0, -1.6f, 0}));
  EXPECT_EQ(processed(Floats(6, 0.0f), options, {1, 2, 3, 4, 5, 0, 3}), Floats(6, 0.0f));
  LogitsOptions broken = options;
  broken.dry_breakers = {2};
  EXPECT_EQ(processed(Floats(6, 0.0f), broken, {1, 2, 3, 4, 5, 1, 2, 3}), Floats(6, 0.0f));
}

TEST(LogitsProcessor, DryEqualsItsDefinition) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto random = [&](std::uint64_t stream, std::uint64_t i, std::size_t below) {
      return static_cast<std::int32_t>(uniform(seed, stream, i) * static_cast<double>(below));
    };
    Tokens tokens(static_cast<std::size_t>(random(0, 0, 60)));
    const std::size_t kinds = 2 + seed % 4;
    for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = random(1, i, kinds);
    LogitsOptions options{.dry_multiplier = 0.7f, .dry_allowed_length = 1 + static_cast<int>(seed % 3)};
    if (seed % 2 == 0) options.dry_breakers = {1};
    const Floats logits(8, 0.5f);
    const Floats expected = dry_by_definition(logits, options, tokens);
    const Floats got = processed(logits, options, tokens);
    for (std::size_t i = 0; i < got.size(); ++i)
      ASSERT_NEAR(got[i], expected[i], 1e-5 * std::abs(expected[i])) << "seed " << seed << " token " << i;
  }
}

TEST(LogitsProcessor, ALongRepetitionStaysFinite) {
  const Floats got = processed(Floats(3, 0.0f), {.dry_multiplier = 1}, Tokens(5000, 1));
  EXPECT_TRUE(std::isfinite(got[1]));
  EXPECT_LT(got[1], -1e30f);
}

TEST(LogitsProcessor, ChecksOptions) {
  const auto message = [](const LogitsOptions& options) -> std::string {
    try {
      check(options, 10);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage);
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message({}), "no error");
  EXPECT_EQ(message({.bias = {{9, -INFINITY}}, .banned = {{0, 9}}}), "no error");
  EXPECT_EQ(message({.bias = {{10, 1}}}), "[sampler] token id 10 is outside the vocabulary of 10");
  EXPECT_EQ(message({.banned = {{-1}}}), "[sampler] token id -1 is outside the vocabulary of 10");
  EXPECT_EQ(message({.banned = {{}}}), "[sampler] a banned word must have at least one token");
  EXPECT_EQ(message({.repetition_penalty = 0}), "[sampler] repetition penalty must be above 0, got 0");
  for (const LogitsOptions& bad : std::vector<LogitsOptions>{{.bias = {{1, NAN}}},
                                                             {.repetition_penalty = NAN},
                                                             {.presence_penalty = INFINITY},
                                                             {.frequency_penalty = NAN},
                                                             {.penalty_window = -1},
                                                             {.no_repeat_ngram = -1},
                                                             {.dry_multiplier = -1},
                                                             {.dry_base = 0.5f},
                                                             {.dry_allowed_length = 0},
                                                             {.min_new_tokens = -1}})
    EXPECT_NE(message(bad), "no error");
}

}  // namespace
}  // namespace swiftlet
