// Whatever is drafted, and however often wrongly: the same tokens, texts, log-probabilities and ends as
// without.
#include "swiftlet/engine/speculate.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>

#include "swiftlet/engine/engine.h"
#include "swiftlet/io/test_files.h"

namespace swiftlet {
namespace {

using ::testing::HasSubstr;
using Ids = std::vector<std::int32_t>;
using Model = std::shared_ptr<LoadedModel>;

Model load(const std::string& name, const ModelOptions& options = {}) {
  const std::filesystem::path source = SWIFTLET_SOURCE_DIR;
  const bool asset = name.starts_with("stories");
  return LoadedModel::load(source / (asset ? "assets" : "tests/data/models") / name, options);
}

const Model& stories() {
  static const Model model = load("stories-7m", {.precision = Arithmetic::kInt8, .threads = 2});
  return model;
}

// Always as many drafts as fit, by the text or by a model.
EngineOptions with_drafts(EngineOptions options, const Model& draft, std::int64_t drafts = 5) {
  options.draft_tokens = drafts;
  options.draft_model = draft;
  return options;
}
GenerationOptions speculating(GenerationOptions options, const Model& draft) {
  options.speculation = {.source = draft ? DraftSource::kModel : DraftSource::kLookup, .adaptive = false};
  return options;
}

struct Counts {
  std::int64_t tokens = 0, drafted = 0, accepted = 0;
};

std::vector<GenerationResult> run(Engine& engine, const std::vector<Ids>& prompts,
                                  const GenerationOptions& options) {
  std::vector<std::int64_t> numbers;
  for (const Ids& prompt : prompts) numbers.push_back(engine.submit(prompt, options));
  while (engine.step()) {
  }
  std::vector<GenerationResult> results;
  for (const std::int64_t first : numbers)
    for (int sample = 0; sample < options.samples; ++sample) results.push_back(engine.take(first + sample));
  return results;
}

void expect_same(const GenerationResult& result, const GenerationResult& plain) {
  EXPECT_EQ(result.tokens, plain.tokens);
  EXPECT_EQ(result.text, plain.text);
  EXPECT_EQ(result.reason, plain.reason);
  EXPECT_EQ(result.reused_tokens, plain.reused_tokens);
  ASSERT_EQ(result.logprobs.size(), plain.logprobs.size());
  for (std::size_t i = 0; i < plain.logprobs.size(); ++i) {
    EXPECT_EQ(result.logprobs[i].logprob, plain.logprobs[i].logprob);
    EXPECT_EQ(result.logprobs[i].top, plain.logprobs[i].top);
  }
}

Counts check(const Model& model, const Model& draft, const std::vector<Ids>& prompts,
             const GenerationOptions& options, const EngineOptions& engine_options = {.max_sequences = 3}) {
  Engine plain(model, engine_options), speculative(model, with_drafts(engine_options, draft));
  const auto expected = run(plain, prompts, options);
  const auto results = run(speculative, prompts, speculating(options, draft));
  Counts counts;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    SCOPED_TRACE(fmt::format("answer {}", i));
    expect_same(results[i], expected[i]);
    counts.tokens += std::ssize(results[i].tokens);
    counts.drafted += results[i].drafted_tokens;
    counts.accepted += results[i].accepted_tokens;
  }
  return counts;
}

std::vector<Ids> encode(const Model& model, const std::vector<std::string>& texts) {
  std::vector<Ids> prompts;
  for (const std::string& text : texts) prompts.push_back(model->encode_prompt(text));
  return prompts;
}

// Ragged, with repetitions; the tokens of the smallest vocabulary.
std::vector<Ids> random_prompts() {
  Ids cycle;
  for (int i = 0; i < 40; ++i) cycle.push_back(5 + i * i % 13);
  return {cycle, {7, 11, 23, 7, 11}, {64, 3, 64, 3, 64, 3, 64}};
}

struct Family {
  const char* target;
  const char* other;  // of the same vocabulary, and of another opinion
};

class SpeculationOf : public ::testing::TestWithParam<Family> {};

// Through several blocks of the cache, in windows, experts, caches of all types; by the text, by a draft
// model that is always right and by one that seldom is. The last sequence waits until one has ended.
TEST_P(SpeculationOf, WritesTheSameText) {
  const GenerationOptions greedy{.max_new_tokens = 60, .ignore_eos = true},
      sampled{.max_new_tokens = 40, .sampling = {.temperature = 0.7f, .seed = 3}, .ignore_eos = true};
  for (const auto cache : {DType::kF32, DType::kBF16, DType::kI8})
    for (const auto precision : {Arithmetic::kF32, Arithmetic::kInt8}) {
      SCOPED_TRACE(fmt::format("{} cache, {}", dtype_name(cache), to_string(precision)));
      const ModelOptions options{.precision = precision, .cache = cache, .threads = 2};
      const Model model = load(GetParam().target, options), other = load(GetParam().other, options);
      const EngineOptions engine{.max_sequences = 2, .step_tokens = 16};
      const Counts right = check(model, model, random_prompts(), greedy, engine);
      EXPECT_EQ(right.accepted, right.drafted);
      EXPECT_GT(right.accepted, right.tokens / 2);
      const Counts wrong = check(model, other, random_prompts(), greedy, engine);
      EXPECT_GT(wrong.drafted, 2 * wrong.accepted);
      const Counts lookup = check(model, nullptr, random_prompts(), greedy, engine);
      EXPECT_GT(lookup.drafted, 0);
      const Counts mixed = check(model, model, random_prompts(), sampled, engine);
      EXPECT_GT(mixed.accepted, 0);
      EXPECT_GT(mixed.drafted, mixed.accepted);
    }
}

INSTANTIATE_TEST_SUITE_P(Families, SpeculationOf,
                         ::testing::Values(Family{"mixtral-window", "gpt2"}, Family{"qwen3-moe", "gpt2"},
                                           Family{"gemma3-text", "gpt2"}, Family{"gpt-oss", "bloom"},
                                           Family{"bloom", "qwen3-moe"},
                                           Family{"phi3-longrope-beyond", "gpt2"}),
                         [](const auto& family) {
                           std::string name = family.param.target;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// Each option that chooses tokens, each sampler with what it carries from token to token.
TEST(Speculation, EveryWayToChooseGivesTheSameTokens) {
  const Model& model = stories();
  const auto prompts = encode(model, {"Tom and Tim. Tom and Tim. Tom and", "The bird sat on", "Once"});
  const std::int32_t the = model->encode(" the", {.add_special = false}).back();
  const auto sampled = [](SamplingOptions options) {
    options.seed = 11;
    if (options.temperature == 0) options.temperature = 0.8f;
    return GenerationOptions{.max_new_tokens = 25, .sampling = options};
  };
  const auto processed = [](LogitsOptions options) {
    return GenerationOptions{.max_new_tokens = 25, .logits = std::move(options), .logprobs = 2};
  };
  GenerationOptions three = sampled({.temperature = 1.2f});
  three.samples = 3;
  const std::vector<GenerationOptions> ways{sampled({}),
                                            sampled({.temperature = 0.3f, .top_k = 5}),
                                            sampled({.top_p = 0.8f}),
                                            sampled({.min_p = 0.1f}),
                                            sampled({.typical_p = 0.7f}),
                                            sampled({.mirostat = 1, .mirostat_tau = 3}),
                                            sampled({.mirostat = 2, .mirostat_tau = 3}),
                                            processed({.bias = {{the, -2.f}}, .repetition_penalty = 1.3f}),
                                            processed({.presence_penalty = 0.5f, .frequency_penalty = 0.3f}),
                                            processed({.penalty_window = 6, .no_repeat_ngram = 3}),
                                            processed({.dry_multiplier = 0.8f}),
                                            processed({.banned = {{the}}, .min_new_tokens = 20}),
                                            three};
  Counts all;
  for (std::size_t way = 0; way < ways.size(); ++way)
    for (const Model& draft : {model, Model()}) {
      SCOPED_TRACE(fmt::format("way {}, {}", way, draft ? "draft model" : "lookup"));
      const Counts counts = check(model, draft, prompts, ways[way]);
      if (draft) {
        EXPECT_GT(counts.accepted, 0);
      }
      all.drafted += counts.drafted;
      all.accepted += counts.accepted;
    }
  EXPECT_GT(all.drafted, all.accepted);
}

// Ends at every place of a draft: by a stop string, an end token, the number of tokens, the context, a
// listener who has heard enough.
TEST(Speculation, EndsWhereItWouldWithout) {
  const Model& model = stories();
  const auto prompt = model->encode_prompt("Once upon a time");
  Engine plain(model, {.max_sequences = 1});
  const GenerationResult whole = run(plain, {prompt}, {.max_new_tokens = 30}).front();
  ASSERT_EQ(whole.tokens.size(), 30u);
  for (std::size_t end = 8; end < 16; ++end) {
    SCOPED_TRACE(fmt::format("token {}", end));
    GenerationOptions stopped{.max_new_tokens = 30}, ended = stopped;
    stopped.stop = {model->require_tokenizer().decode(std::span(whole.tokens).subspan(end, 2))};
    ended.end_tokens = {whole.tokens[end]};
    for (const GenerationOptions& options :
         {stopped, ended, GenerationOptions{.max_new_tokens = static_cast<std::int64_t>(end)}})
      check(model, model, {prompt}, options);
    const std::int64_t context = std::ssize(prompt) + static_cast<std::int64_t>(end);
    const Counts full = check(model, model, {prompt}, {}, {.max_sequences = 1, .context = context});
    EXPECT_EQ(full.tokens, static_cast<std::int64_t>(end));
  }
  const auto heard = [&](Engine& engine, const GenerationOptions& options) {
    int pieces = 0;
    const auto number = engine.submit(prompt, options, [&](std::string_view) { return ++pieces < 11; });
    while (engine.step()) {
    }
    return engine.take(number);
  };
  Engine speculative(model, with_drafts({.max_sequences = 1}, model));
  const GenerationResult result = heard(speculative, speculating({}, model));
  EXPECT_EQ(result.reason, FinishReason::kCancelled);
  expect_same(result, heard(plain, {}));
}

// What is kept of a conversation holds nothing of rejected drafts, of the target and of the draft model.
TEST(Speculation, KeepsWhatItWouldWithout) {
  const Model& model = stories();
  const Model other = load("stories-7m", {.precision = Arithmetic::kF32, .cache = DType::kI8, .threads = 2});
  for (const Model& draft : {model, other, Model()}) {
    Engine plain(model, {.max_sequences = 1}), speculative(model, with_drafts({.max_sequences = 1}, draft));
    Ids conversation = model->encode_prompt("Tim saw a dog.");
    for (const char* more : {" \"Hello\", said Tim.", " The dog said", " And then Tim saw a dog."}) {
      for (const float temperature : {0.f, 1.f}) {
        const GenerationOptions options{
            .max_new_tokens = 45, .sampling = {.temperature = temperature}, .keep_state = true};
        const GenerationResult expected = run(plain, {conversation}, options).front();
        expect_same(run(speculative, {conversation}, speculating(options, draft)).front(), expected);
        EXPECT_EQ(speculative.kept_tokens(), plain.kept_tokens());
        conversation.insert(conversation.end(), expected.tokens.begin(), expected.tokens.end());
      }
      const Ids next = model->encode(more, {.add_special = false});
      conversation.resize(std::min<std::size_t>(conversation.size(), 100));
      conversation.insert(conversation.end(), next.begin(), next.end());
    }
  }
}

// Steps are timed, so how much is drafted is not the same each time; what comes out is.
TEST(Speculation, AdaptsWithoutChangingTheText) {
  const Model& model = stories();
  const auto prompts = encode(model, {"Tim saw a dog. Tim saw a dog. Tim saw", "The bird"});
  const GenerationOptions options{.max_new_tokens = 150, .ignore_eos = true};
  Engine plain(model, {.max_sequences = 2}), speculative(model, with_drafts({.max_sequences = 2}, model));
  const auto expected = run(plain, prompts, options);
  for (const DraftSource source : {DraftSource::kLookup, DraftSource::kModel, DraftSource::kNone}) {
    GenerationOptions adaptive = options;
    adaptive.speculation = {.source = source, .draft_tokens = source == DraftSource::kModel ? 3 : 0};
    const auto results = run(speculative, prompts, adaptive);
    for (std::size_t i = 0; i < results.size(); ++i) expect_same(results[i], expected[i]);
    const std::int64_t drafted = results[0].drafted_tokens + results[1].drafted_tokens;
    EXPECT_EQ(drafted > 0, source != DraftSource::kNone);
  }
}

// A draft model with a shorter context helps as long as it can.
TEST(Speculation, ADraftModelMayHaveLessContext) {
  const Model model = load("bloom", {.precision = Arithmetic::kF32}), draft = load("gpt2");
  ASSERT_LT(draft->built.max_positions, 200);
  const Counts counts = check(model, draft, random_prompts(), {.max_new_tokens = 150, .ignore_eos = true},
                              {.max_sequences = 3, .context = 200});
  EXPECT_EQ(counts.tokens, 450);
  EXPECT_GT(counts.drafted, 0);
}

TEST(Speculation, RefusesWhatCannotWork) {
  const auto message = [](const Model& model, const EngineOptions& options,
                          const GenerationOptions& generation) {
    return ::swiftlet::testing::message_of([&] { Engine(model, options).submit({1, 2}, generation); });
  };
  const Model& model = stories();
  EXPECT_THAT(message(model, {.draft_tokens = 2, .draft_model = load("llama-grouped")}, {}),
              HasSubstr("its tokenizer has"));
  EXPECT_THAT(message(model, {.draft_tokens = 2, .draft_model = load("gpt2")}, {}),
              HasSubstr("has 96 tokens and"));
  EXPECT_THAT(message(model, {.draft_tokens = 2, .draft_model = load("bert-gelu")}, {}),
              HasSubstr("is an encoder; drafts need a decoder"));
  EXPECT_THAT(message(model, {}, {.speculation = {.source = DraftSource::kLookup}}),
              HasSubstr("[speculate] the engine was made without room for drafts"));
  EXPECT_THAT(message(model, {.draft_tokens = 2}, {.speculation = {.source = DraftSource::kModel}}),
              HasSubstr("[speculate] there is no draft model"));
  EXPECT_THAT(message(model, {.draft_tokens = 2},
                      {.speculation = {.source = DraftSource::kLookup, .draft_tokens = 3}}),
              HasSubstr("[draft_tokens] must be 0 to 2, is 3"));
}

}  // namespace
}  // namespace swiftlet
