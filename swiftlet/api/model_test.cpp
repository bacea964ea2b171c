#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <limits>
#include <stdexcept>
#include <thread>

#include "swiftlet/swiftlet.h"

namespace swiftlet {
namespace {

const std::string kModel = SWIFTLET_SOURCE_DIR "/assets/stories260K/stories260K.bin";
const GenerateOptions kShort{.max_new_tokens = 24};

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::kInvalid;
}

TEST(Model, ABatchEqualsItsPromptsOneByOne) {
  auto model = Model::load(kModel);
  const std::vector<std::string> prompts{"Once upon a time", "Lily", "", "The dog ran"};
  const auto together = model.generate(prompts, kShort);
  ASSERT_EQ(together.size(), prompts.size());
  for (std::size_t i = 0; i < prompts.size(); ++i)
    EXPECT_EQ(together[i].text, model.generate(prompts[i], kShort).text) << prompts[i];
  EXPECT_TRUE(model.generate(std::vector<std::string>{}, kShort).empty());
}

TEST(Model, AsksForMoreTokensThanItCanHold) {
  auto model = Model::load(kModel);
  const auto story = model.generate(
      "Once", {.max_new_tokens = std::numeric_limits<std::int64_t>::max(), .ignore_eos = true});
  EXPECT_EQ(story.finish_reason, "length");
  EXPECT_EQ(story.prompt_tokens + static_cast<std::int64_t>(story.tokens.size()), model.info().max_positions);
}

TEST(Model, SpeculatesWithoutAnotherText) {
  auto model = Model::load(kModel, {.draft_model = kModel});
  const std::vector<std::string> prompts{"Lily saw a cat. Lily saw a cat. Lily", "The dog"};
  for (const double temperature : {0.0, 0.9}) {
    GenerateOptions options{.max_new_tokens = 60, .temperature = temperature};
    const auto plain = model.generate(prompts, options);
    for (const char* source : {"draft", "lookup"}) {
      options.speculate = source;
      const auto results = model.generate(prompts, options);
      for (std::size_t i = 0; i < prompts.size(); ++i) EXPECT_EQ(results[i].tokens, plain[i].tokens);
      EXPECT_LE(results[0].accepted_tokens, results[0].drafted_tokens) << source;  // how many depends on time
    }
  }
  const auto refused = [&](GenerateOptions options) {
    return code_of([&] { model.generate("Lily", options); }) == ErrorCode::kUsage;
  };
  EXPECT_TRUE(refused({.speculate = "ngram"}));
  EXPECT_TRUE(refused({.speculate = "lookup", .draft_tokens = 0}));
  EXPECT_TRUE(refused({.speculate = "lookup", .beams = 2}));
  model = Model::load(kModel);
  EXPECT_TRUE(refused({.speculate = "draft"}));
  EXPECT_EQ(code_of([] { Model::load(kModel, {.draft_model = SWIFTLET_SOURCE_DIR "/assets/stories-7m"}); }),
            ErrorCode::kInvalid);
}

TEST(Model, KeepsPromptsInSeveralFiles) {
  auto model = Model::load(kModel);
  const std::string folder = ::testing::TempDir() + "swiftlet-prompts-" + std::to_string(::getpid());
  std::filesystem::create_directories(folder);
  const auto options = [&](const char* name) {
    GenerateOptions chosen = kShort;
    chosen.prompt_cache = folder + "/" + name;
    return chosen;
  };
  const std::string prompt = "Once upon a time there was a";
  const Generation plain = model.generate(prompt, kShort);
  for (const char* name : {"a", "b", "a", "b"}) {
    EXPECT_EQ(model.generate(prompt, options(name)).text, plain.text);
    EXPECT_TRUE(std::filesystem::exists(options(name).prompt_cache));
  }
  model.generate("Lily", kShort);  // the engine forgets
  EXPECT_EQ(model.generate(prompt, options("a")).reused_tokens, plain.prompt_tokens - 1);
  EXPECT_EQ(code_of([&] {
              model.generate(std::vector<std::string>{"a", "b"}, options("a"));
            }),
            ErrorCode::kUsage);
  std::filesystem::remove_all(folder);
}

TEST(Model, StaysUsableAfterACallbackThrew) {
  auto model = Model::load(kModel);
  const std::string expected = model.generate("Once upon a time", kShort).text;
  EXPECT_THROW(model.generate("Lily", kShort,
                              [](std::string_view) -> bool { throw std::runtime_error("the reader left"); }),
               std::runtime_error);
  EXPECT_EQ(model.generate("Once upon a time", kShort).text, expected);
}

TEST(Model, ACallbackMayLookButNotGenerate) {
  auto model = Model::load(kModel);
  std::size_t pieces = 0;
  model.generate("Once upon a time", kShort, [&](std::string_view piece) {
    pieces += model.tokenize(piece).empty() ? 0 : 1;
    return true;
  });
  EXPECT_GT(pieces, 0u);
  const auto nested = [&](std::string_view) { return !model.generate("Lily", kShort).text.empty(); };
  EXPECT_EQ(code_of([&] { model.generate("Once upon a time", kShort, nested); }), ErrorCode::kUsage);
  EXPECT_FALSE(model.generate("Lily", kShort).text.empty());
}

TEST(ModelThreads, OneModelServesAllOfThem) {
  auto model = Model::load(kModel, {.threads = 2});
  const std::vector<std::string> prompts{"Once upon a time", "Lily", "Tom and", "The dog ran"};
  std::vector<std::string> expected(prompts.size()), got(prompts.size());
  for (std::size_t i = 0; i < prompts.size(); ++i) expected[i] = model.generate(prompts[i], kShort).text;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < prompts.size(); ++i)
    threads.emplace_back([&, i] {
      const auto ids = model.tokenize(prompts[i]);
      EXPECT_FALSE(model.detokenize(ids).empty());
      EXPECT_GT(model.info().parameters, 0);
      got[i] = model.generate(prompts[i], kShort).text;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(got, expected);
}

TEST(ModelThreads, AnotherThreadCancels) {
  auto model = Model::load(kModel);
  Job job;
  bool first = true;
  std::thread canceller;
  const auto story = model.generate(
      "Once upon a time", {.max_new_tokens = 400, .ignore_eos = true},
      [&](std::string_view) {
        if (first) canceller = std::thread([&] { job.cancel(); });
        if (first) canceller.join();
        first = false;
        return true;
      },
      &job);
  EXPECT_EQ(story.finish_reason, "cancelled");
  EXPECT_LT(story.tokens.size(), 400u);
}

}  // namespace
}  // namespace swiftlet
