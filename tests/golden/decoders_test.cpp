// The bundled decoders: stories260K against llama2.c's text, stories-7m against transformers.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "golden_model.h"
#include "swiftlet/core/text_source.h"
#include "swiftlet/engine/engine.h"
#include "swiftlet/engine/scorer.h"
#include "swiftlet/eval/distribution.h"
#include "swiftlet/eval/task.h"

namespace swiftlet {
namespace {

nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

std::filesystem::path data(const std::string& name) {
  return source_dir() / "tests/data" / name;
}

std::shared_ptr<LoadedModel> load_f32(const std::string& asset, int threads = 2) {
  return LoadedModel::load(source_dir() / "assets" / asset,
                           {.precision = Arithmetic::kF32, .threads = threads});
}

GenerationResult generate(Engine& engine, std::vector<std::int32_t> prompt,
                          const GenerationOptions& options) {
  const std::int64_t number = engine.submit(std::move(prompt), options);
  while (engine.step()) {
  }
  return engine.take(number);
}

TEST(Stories260K, HiddenStatesEqualTheReference) {
  check_against_dump({.model = source_dir() / "assets/stories260K/stories260K.bin",
                      .dump = data("stories260k/golden.safetensors")});
}

TEST(Stories260K, GreedyTextEqualsLlama2cTokenForToken) {
  const auto golden = read_json(data("stories260k/golden.json"));
  Engine engine(load_f32("stories260K/stories260K.bin"));
  for (const auto& test : golden["cases"]) {
    const auto prompt = engine.model().encode_prompt(test["prompt"].get<std::string>());
    EXPECT_EQ(prompt, test["prompt_ids"].get<std::vector<std::int32_t>>());
    const auto ids = test["ids"].get<std::vector<std::int32_t>>();
    const auto result = generate(
        engine, prompt, {.max_new_tokens = static_cast<std::int64_t>(ids.size()), .ignore_eos = true});
    EXPECT_EQ(result.tokens, ids) << test["prompt"];
  }
}

TEST(Stories7M, HiddenStatesEqualTheReference) {
  check_against_dump(
      {.model = source_dir() / "assets/stories-7m", .dump = data("stories-7m/golden.safetensors")});
}

TEST(Stories7M, GreedyTokensEqualTransformers) {
  const auto reference = read_json(data("stories-7m/reference.json"));
  Engine engine(load_f32("stories-7m"));
  for (const auto& test : reference["greedy"]) {
    const auto prompt = engine.model().encode_prompt(test["prompt"].get<std::string>());
    EXPECT_EQ(prompt, test["prompt_ids"].get<std::vector<std::int32_t>>());
    const auto ids = test["ids"].get<std::vector<std::int32_t>>();
    EXPECT_EQ(generate(engine, prompt,
                       {.max_new_tokens = static_cast<std::int64_t>(ids.size()), .ignore_eos = true})
                  .tokens,
              ids);
  }
}

TEST(Stories7M, LikelihoodOfTheFirstWindowsEqualsTransformers) {
  const auto reference = read_json(data("stories-7m/reference.json"));
  const auto model = load_f32("stories-7m");
  const auto ids =
      model->encode(read_text(source_dir() / "assets/text/stories-valid.txt.gz"), {.add_special = false});
  EXPECT_EQ(ids.size(), reference["validation"]["tokens"].get<std::size_t>());
  Scorer scorer(model, 256);
  for (const auto& window : reference["first_windows"]) {
    const auto begin = window["begin"].get<std::size_t>(), end = window["end"].get<std::size_t>();
    const auto logits = scorer.logits(std::span(ids).subspan(begin, end - begin));
    double nll = 0;
    for (std::size_t t = end - window["scored"].get<std::size_t>(); t < end; ++t)
      nll += negative_log_likelihood(logits.subspan((t - begin - 1) * 4096, 4096), ids[t]);
    EXPECT_NEAR(nll / window["nll"].get<double>(), 1, 1e-4);
  }
}

// The whole validation text, in the reference arithmetic. Too slow for unoptimised builds and sanitizers,
// where the first windows above must do.
TEST(Stories7M, PerplexityOfTheValidationTextEqualsTransformers) {
#if !defined(NDEBUG) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "an optimised build without sanitizers is needed";
#endif
  const auto reference = read_json(data("stories-7m/reference.json"));
  const TaskResult result = run_perplexity(
      load_f32("stories-7m"),
      {.data = source_dir() / "assets/text/stories-valid.txt.gz", .context = 256, .stride = 128}, {});
  EXPECT_NEAR(result.metric("perplexity") / reference["validation"]["perplexity"].get<double>(), 1, 1e-4);
  EXPECT_NEAR(result.metric("bits_per_byte") / reference["validation"]["bits_per_byte"].get<double>(), 1,
              1e-4);
}

// The same text whatever else is in the batch, however many threads, however the prompt is cut into chunks.
TEST(EngineDeterminism, GreedyOutputDoesNotDependOnBatchOrThreads) {
  const std::vector<std::string> prompts{"Once upon a time", "The little bird",
                                         "\"Where are you going?\" said the fox", "In"};
  for (const auto precision :
       {std::optional<Arithmetic>{}, std::optional(Arithmetic::kF32), std::optional(Arithmetic::kInt8)}) {
    std::vector<std::vector<std::int32_t>> alone;
    for (const int threads : {1, 2, 3}) {
      const auto model =
          LoadedModel::load(source_dir() / "assets/stories-7m", {.precision = precision, .threads = threads});
      Engine single(model, {.max_sequences = 1});
      Engine batch(model, {.max_sequences = 3, .step_tokens = 5});
      std::vector<std::int64_t> numbers;
      for (const auto& prompt : prompts)
        numbers.push_back(batch.submit(batch.model().encode_prompt(prompt), {.max_new_tokens = 40}));
      while (batch.step()) {
      }
      for (std::size_t i = 0; i < prompts.size(); ++i) {
        if (threads == 1)
          alone.push_back(
              generate(single, single.model().encode_prompt(prompts[i]), {.max_new_tokens = 40}).tokens);
        EXPECT_EQ(batch.take(numbers[i]).tokens, alone[i]) << prompts[i] << " on " << threads << " threads";
      }
    }
  }
}

// The text of the f32 cache is greedy's first choice by far enough that a cache in fewer bits does not change
// it.
TEST(EngineCache, FewerBitsTakeLessMemoryAndWriteTheSameText) {
  const GenerationOptions options{.max_new_tokens = 60, .ignore_eos = true};
  std::vector<std::vector<std::int32_t>> texts;
  std::vector<std::int64_t> bytes;
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kI8}) {
    Engine engine(LoadedModel::load(source_dir() / "assets/stories-7m", {.cache = dtype, .threads = 2}));
    EXPECT_EQ(engine.cache_dtype(), dtype);
    bytes.push_back(engine.cache_bytes());
    texts.push_back(generate(engine, engine.model().encode_prompt("Once upon a time"), options).tokens);
  }
  EXPECT_EQ(bytes[0], 2 * bytes[1]);
  EXPECT_EQ(bytes[2], bytes[1] / 2 * (32 + 4) / 32);  // heads of 32, and a scale each
  EXPECT_EQ(texts[1], texts[0]);
  EXPECT_EQ(texts[2], texts[0]);
}

TEST(EngineStreaming, PiecesMakeTheTextAndStopStringsEndIt) {
  Engine engine(load_f32("stories-7m"));
  std::string streamed;
  const auto number = engine.submit(engine.model().encode_prompt("Once upon a time"), {.max_new_tokens = 60},
                                    [&](std::string_view piece) {
                                      streamed += piece;
                                      return true;
                                    });
  while (engine.step()) {
  }
  const auto whole = engine.take(number);
  EXPECT_EQ(streamed, whole.text);
  ASSERT_GT(whole.text.size(), 40u);
  const std::string stop = whole.text.substr(20, 6);
  const auto stopped = generate(engine, engine.model().encode_prompt("Once upon a time"),
                                {.max_new_tokens = 60, .stop = {stop}});
  EXPECT_EQ(stopped.reason, FinishReason::kStop);
  EXPECT_EQ(stopped.text, whole.text.substr(0, whole.text.find(stop)));
}

TEST(EngineStreaming, CancelEndsASequenceAndLeavesTheOthers) {
  Engine engine(load_f32("stories-7m"));
  int pieces = 0;
  const auto cancelled = engine.submit(engine.model().encode_prompt("Once"), {.max_new_tokens = 50},
                                       [&](std::string_view) { return ++pieces < 3; });
  const auto other =
      engine.submit(engine.model().encode_prompt("The"), {.max_new_tokens = 10, .ignore_eos = true});
  while (engine.step()) {
  }
  EXPECT_EQ(engine.take(cancelled).reason, FinishReason::kCancelled);
  EXPECT_EQ(pieces, 3);
  EXPECT_EQ(engine.take(other).tokens.size(), 10u);
}

TEST(EngineSampling, ASeedGivesTheSameTextAloneAndInABatch) {
  const auto model = load_f32("stories-7m");
  const GenerationOptions options{.max_new_tokens = 30,
                                  .sampling = {.temperature = 0.9f, .top_k = 40, .top_p = 0.95f, .seed = 7}};
  Engine alone(model, {.max_sequences = 1}), batch(model, {.max_sequences = 4});
  const auto first = generate(alone, alone.model().encode_prompt("One day"), options);
  const auto number = batch.submit(batch.model().encode_prompt("One day"), options);
  for (const char* other : {"The", "A cat", "Then the king said"})
    batch.submit(batch.model().encode_prompt(other), options);
  while (batch.step()) {
  }
  EXPECT_EQ(batch.take(number).tokens, first.tokens);
  GenerationOptions other_seed = options;
  other_seed.sampling.seed = 8;
  EXPECT_NE(generate(alone, alone.model().encode_prompt("One day"), other_seed).tokens, first.tokens);
}

// Three samples of one prompt, in an engine that also has other work.
TEST(EngineSampling, SamplesShareAPromptAndNothingElse) {
  const auto model = load_f32("stories-7m");
  GenerationOptions options{.max_new_tokens = 40,
                            .sampling = {.temperature = 1, .min_p = 0.02f, .seed = 11},
                            .logits = {.repetition_penalty = 1.1f},
                            .ignore_eos = true};
  const auto prompt = model->encode_prompt("One day the old king went into the wood, and there he saw");
  ASSERT_NE(prompt.size() % 16, 0u) << "the last page must be shared and then written to";
  Engine engine(model, {.max_sequences = 4});
  const auto single = generate(engine, prompt, options);
  options.samples = 3;
  const std::int64_t number = engine.submit(prompt, options);
  const std::int64_t other = engine.submit(model->encode_prompt("The"), {.max_new_tokens = 50});
  while (engine.step()) {
  }
  std::vector<std::vector<std::int32_t>> samples;
  for (int i = 0; i < 3; ++i) samples.push_back(engine.take(number + i).tokens);
  engine.take(other);
  EXPECT_EQ(samples[0], single.tokens);
  EXPECT_NE(samples[1], samples[0]);
  EXPECT_NE(samples[2], samples[1]);
  options.samples = 2;
  const std::int64_t again = engine.submit(prompt, options);
  while (engine.step()) {
  }
  EXPECT_EQ(engine.take(again).tokens, samples[0]);
  EXPECT_EQ(engine.take(again + 1).tokens, samples[1]);
  options.samples = 5;
  EXPECT_THROW(engine.submit(prompt, options), Error);
}

TEST(EngineSampling, LogprobsAreTheModelsOwn) {
  const auto model = load_f32("stories-7m");
  const auto prompt = model->encode_prompt("One day");
  Engine engine(model);
  const auto result = generate(engine, prompt,
                               {.max_new_tokens = 12,
                                .sampling = {.temperature = 2, .top_k = 50, .seed = 3},
                                .logits = {.frequency_penalty = 1},
                                .ignore_eos = true,
                                .logprobs = 3});
  ASSERT_EQ(result.logprobs.size(), result.tokens.size());
  std::vector<std::int32_t> tokens = prompt;
  tokens.insert(tokens.end(), result.tokens.begin(), result.tokens.end());
  Scorer scorer(model, static_cast<std::int64_t>(tokens.size()));
  const auto logits = scorer.logits(tokens);
  const auto width = static_cast<std::size_t>(scorer.vocab_size());
  for (std::size_t i = 0; i < result.tokens.size(); ++i) {
    const auto row = logits.subspan((prompt.size() + i - 1) * width, width);
    const auto logprob = [&](std::int32_t token) {
      return -negative_log_likelihood(row, static_cast<std::size_t>(token));
    };
    EXPECT_NEAR(result.logprobs[i].logprob, logprob(result.tokens[i]), 1e-4);
    ASSERT_EQ(result.logprobs[i].top.size(), 3u);
    EXPECT_EQ(result.logprobs[i].top[0].first, static_cast<std::int32_t>(top_1(row)));
    for (const auto& [token, value] : result.logprobs[i].top) EXPECT_NEAR(value, logprob(token), 1e-4);
    EXPECT_GE(result.logprobs[i].top[1].second, result.logprobs[i].top[2].second);
  }
}

}  // namespace
}  // namespace swiftlet
