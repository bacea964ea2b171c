// Sequences that outgrow the context up to which a model turns its keys by short factors (LongRoPE): whatever
// was kept of them, they go on as transformers does, which computes all keys again.
#include <gtest/gtest.h>
#include <unistd.h>

#include "golden_model.h"
#include "swiftlet/engine/beam_search.h"
#include "swiftlet/engine/engine.h"
#include "swiftlet/engine/logits.h"
#include "swiftlet/engine/scorer.h"

namespace swiftlet {
namespace {

using Ids = std::vector<std::int32_t>;

constexpr std::int64_t kShort = 16;  // the original context of the model

struct LongRope : testing::Test {
  std::filesystem::path folder = source_dir() / "tests/data/models/phi3-longrope-beyond";
  std::shared_ptr<LoadedModel> model =
      LoadedModel::load(folder, {.precision = Arithmetic::kF32, .threads = 2});
  SafetensorsFile dump = SafetensorsFile::open(folder / "golden.safetensors");
  Ids prompt = ids_of(dump, "input_ids.1"), answer = ids_of(dump, "greedy.1");  // 7 and 24 tokens

  static GenerationResult generate(Engine& engine, const Ids& ids, std::int64_t tokens) {
    const auto number =
        engine.submit(ids, {.max_new_tokens = tokens, .ignore_eos = true, .keep_state = true});
    while (engine.step()) {
    }
    return engine.take(number);
  }
  // The first so many tokens of prompt and answer.
  Ids begun(std::int64_t tokens) const {
    Ids all = prompt;
    all.insert(all.end(), answer.begin(), answer.end());
    all.resize(static_cast<std::size_t>(tokens));
    return all;
  }
  Ids rest(std::int64_t tokens) const {
    return {answer.begin() + (tokens - std::ssize(prompt)), answer.end()};
  }
};

TEST_F(LongRope, WhatWasKeptServesSequencesThatTurnAlike) {
  ASSERT_EQ(model->built.short_context, kShort);
  Engine engine(model, {.max_sequences = 1, .step_tokens = 4});
  EXPECT_EQ(generate(engine, prompt, 5).tokens, Ids(answer.begin(), answer.begin() + 5));
  GenerationResult next = generate(engine, begun(14), 1);  // still short: 11 of them were kept
  EXPECT_EQ(next.reused_tokens, 11);
  EXPECT_EQ(next.tokens.front(), rest(14).front());
  next = generate(engine, begun(20), 11);  // too long for what was kept
  EXPECT_EQ(next.reused_tokens, 0);
  EXPECT_EQ(next.tokens, rest(20));
  next = generate(engine, begun(25), 6);
  EXPECT_EQ(next.reused_tokens, 24);
  EXPECT_EQ(next.tokens, rest(25));
  next = generate(engine, begun(10), 21);  // short again
  EXPECT_EQ(next.reused_tokens, 0);
  EXPECT_EQ(next.tokens, rest(10));
}

TEST_F(LongRope, PromptCachesKnowHowTheyWereTurned) {
  const auto path = std::filesystem::temp_directory_path() / fmt::format("longrope-{}.state", getpid());
  Engine first(model, {.max_sequences = 1});
  generate(first, begun(20), 1);
  first.save_kept(path, 10);  // of a long sequence
  const auto with_file = [&](std::int64_t tokens) {
    Engine engine(model, {.max_sequences = 1});
    engine.load_kept(path);
    return generate(engine, begun(tokens), 1);
  };
  for (const auto& [tokens, reused] : {std::pair{12, 0}, {16, 0}, {17, 10}, {30, 10}}) {
    const GenerationResult result = with_file(tokens);
    EXPECT_EQ(result.reused_tokens, reused) << tokens;
    EXPECT_EQ(result.tokens.front(), rest(tokens).front()) << tokens;
  }
  std::filesystem::remove(path);
}

TEST_F(LongRope, SamplesOfOnePromptOutgrowItTogether) {
  Engine engine(model, {.max_sequences = 3, .step_tokens = 5});
  const auto number = engine.submit(prompt, {.max_new_tokens = 24, .ignore_eos = true, .samples = 3});
  while (engine.step()) {
  }
  for (int i = 0; i < 3; ++i) EXPECT_EQ(engine.take(number + i).tokens, answer);
}

// The score of a hypothesis is the sum of what each step gave it, and each step sees the whole sequence
// turned by its length.
TEST_F(LongRope, BeamsOutgrowItTogether) {
  const auto best =
      beam_search(model, prompt, {.beams = 3, .n_best = 3, .max_new_tokens = 20, .ignore_eos = true});
  ASSERT_EQ(best.size(), 3u);
  const auto vocabulary = static_cast<std::size_t>(model->built.vocab_size);
  for (const Hypothesis& hypothesis : best) {
    ASSERT_EQ(hypothesis.tokens.size(), 20u);
    Ids all = prompt;
    double sum = 0;
    for (const std::int32_t token : hypothesis.tokens) {
      Scorer scorer(model, std::ssize(all));
      const auto row = scorer.logits(all).last(vocabulary);
      sum += row[static_cast<std::size_t>(token)] - log_sum_exp(row, "logits");
      all.push_back(token);
    }
    EXPECT_NEAR(hypothesis.score, sum / 20, 1e-5);
  }
  const auto greedy = beam_search(model, prompt, {.beams = 1, .max_new_tokens = 24, .ignore_eos = true});
  EXPECT_EQ(greedy.front().tokens, answer);
}

}  // namespace
}  // namespace swiftlet
