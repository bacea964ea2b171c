// Beam search against transformers, over the bundled stories-7m.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "golden_model.h"
#include "swiftlet/core/error.h"
#include "swiftlet/engine/beam_search.h"
#include "swiftlet/engine/engine.h"
#include "swiftlet/engine/logits.h"
#include "swiftlet/engine/scorer.h"

namespace swiftlet {
namespace {

using Json = nlohmann::json;

std::shared_ptr<LoadedModel> stories() {
  return LoadedModel::load(source_dir() / "assets/stories-7m", {.precision = Arithmetic::kF32, .threads = 2});
}

BeamOptions options_of(const Json& test, std::int64_t new_tokens) {
  const std::string early = test["early_stopping"];
  BeamOptions options{.beams = test["beams"],
                      .n_best = test["beams"],
                      .length_penalty = test["length_penalty"],
                      .early_stopping = early == "true"    ? EarlyStopping::kYes
                                        : early == "never" ? EarlyStopping::kNever
                                                           : EarlyStopping::kUnlikely,
                      .max_new_tokens = new_tokens};
  options.logits.repetition_penalty = test["repetition_penalty"];
  options.end_tokens = test["ends"].get<std::vector<std::int32_t>>();
  options.end_tokens.erase(options.end_tokens.begin());  // the model's own
  return options;
}

TEST(BeamSearch, FindsTheHypothesesOfTransformers) {
  std::ifstream file(source_dir() / "tests/data/stories-7m/beams.json");
  const Json document = Json::parse(file);
  const auto model = stories();
  ASSERT_GE(document["cases"].size(), 40u);
  std::size_t ended = 0;
  for (const Json& test : document["cases"]) {
    SCOPED_TRACE(fmt::format("{} beams, length penalty {}, early stopping {}", test["beams"].dump(),
                             test["length_penalty"].dump(), test["early_stopping"].dump()));
    const auto prompt = test["prompt"].get<std::vector<std::int32_t>>();
    const auto best = beam_search(model, prompt, options_of(test, document["new_tokens"]));
    ASSERT_EQ(best.size(), test["best"].size());
    for (std::size_t i = 0; i < best.size(); ++i) {
      const Json& want = test["best"][i];
      EXPECT_EQ(best[i].tokens, want["tokens"].get<std::vector<std::int32_t>>()) << "hypothesis " << i;
      EXPECT_EQ(best[i].ended, want["ended"].get<bool>());
      ended += best[i].ended;
      EXPECT_NEAR(best[i].score, want["score"].get<double>(), 1e-4 * (1 + std::abs(best[i].score)));
    }
  }
  EXPECT_GT(ended, 50u);
}

TEST(BeamSearch, OneBeamIsTheGreedyWay) {
  const auto model = stories();
  const auto prompt = model->encode_prompt("Once upon a time there was");
  Engine engine(model, {.max_sequences = 1});
  const auto number = engine.submit(prompt, {.max_new_tokens = 40});
  while (engine.step()) {
  }
  const auto best = beam_search(model, prompt, {.beams = 1, .max_new_tokens = 40});
  ASSERT_EQ(best.size(), 1u);
  EXPECT_EQ(best[0].tokens, engine.take(number).tokens);
}

// More than a block of the cache and more than a chunk of the prompt: forks share, copy and go on.
TEST(BeamSearch, LongPromptsAndAnswersKeepTheirCaches) {
  const auto model = stories();
  std::vector<std::int32_t> prompt;
  while (prompt.size() < 300)
    for (const std::int32_t id : model->encode("The old king went into the wood. ")) prompt.push_back(id);
  const auto best =
      beam_search(model, prompt, {.beams = 5, .n_best = 5, .max_new_tokens = 90, .ignore_eos = true});
  ASSERT_EQ(best.size(), 5u);
  for (const Hypothesis& hypothesis : best) {
    ASSERT_EQ(hypothesis.tokens.size(), 90u);
    // The score of each by itself, teacher forced: what caches that were mixed up would not give.
    auto all = prompt;
    all.insert(all.end(), hypothesis.tokens.begin(), hypothesis.tokens.end());
    Scorer scorer(model, static_cast<std::int64_t>(all.size()));
    const auto logits = scorer.logits(all);
    const auto vocabulary = static_cast<std::size_t>(model->built.vocab_size);
    double sum = 0;
    for (std::size_t i = prompt.size(); i < all.size(); ++i) {
      const std::span<const float> row(logits.data() + (i - 1) * vocabulary, vocabulary);
      sum += row[static_cast<std::size_t>(all[i])] - log_sum_exp(row, "logits");
    }
    EXPECT_NEAR(hypothesis.score, sum / 90, 1e-4);
  }
  for (std::size_t i = 1; i < best.size(); ++i) {
    EXPECT_GE(best[i - 1].score, best[i].score);
    EXPECT_NE(best[i - 1].tokens, best[i].tokens);
  }
}

TEST(BeamSearch, NamesWhatIsOutOfRange) {
  const auto model = stories();
  const std::vector<std::int32_t> prompt{1};
  const auto error = [&](const BeamOptions& options, std::vector<std::int32_t> ids = {1}) -> std::string {
    try {
      beam_search(model, ids, options);
    } catch (const Error& caught) {
      return caught.what();
    }
    return "no error";
  };
  EXPECT_THAT(error({.beams = 0}), testing::HasSubstr("[beams] must be 1 to 256, is 0"));
  EXPECT_THAT(error({.beams = 2, .n_best = 3}), testing::HasSubstr("[samples] must be 1 to 2"));
  EXPECT_THAT(error({.length_penalty = NAN}), testing::HasSubstr("[length_penalty] must be finite"));
  EXPECT_THAT(error({}, {}), testing::HasSubstr("[prompt] has 0 tokens"));
  EXPECT_THAT(error({}, {1 << 29}), testing::HasSubstr("536870912"));
  EXPECT_THAT(error({.context = 100000}), testing::HasSubstr("more than the model's 512"));
  EXPECT_EQ(beam_search(model, prompt, {.max_new_tokens = 0}).size(), 1u);
}

}  // namespace
}  // namespace swiftlet
