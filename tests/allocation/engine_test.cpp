// Decoding allocates nothing once every sequence has begun, nor does an encoder beyond the vectors that it
// returns.
#include "swiftlet/engine/engine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "swiftlet/engine/encoder.h"
#include "tests/allocation/count_allocations.h"

namespace swiftlet {
namespace {

struct Way {
  std::optional<Arithmetic> precision;
  int threads;
};

class Allocation : public testing::TestWithParam<Way> {
 protected:
  static std::filesystem::path source() { return SWIFTLET_SOURCE_DIR; }
  std::shared_ptr<LoadedModel> load(Checkpoint checkpoint) const {
    return LoadedModel::from_checkpoint(std::move(checkpoint),
                                        {.precision = GetParam().precision, .threads = GetParam().threads});
  }
};

TEST_P(Allocation, NoneInADecodeStep) {
  const auto model = load(load_checkpoint(source() / "assets/stories-7m"));
  Engine engine(model, {.max_sequences = 3, .context = 256, .step_tokens = 64});
  std::string heard;
  heard.reserve(4096);
  for (const char* prompt : {"Once upon a time", "The king", "A small bird sat on a tree and"})
    engine.submit(model->encode_prompt(prompt), {.max_new_tokens = 120, .ignore_eos = true},
                  [&](std::string_view piece) {
                    heard += piece;
                    return true;
                  });
  while (engine.waiting_for_first_token() > 0 || heard.empty()) engine.step();
  for (int warm = 0; warm < 4; ++warm) engine.step();
  // Over several cache blocks of 32 tokens.
  for (int step = 0; step < 100; ++step) {
    const long before = test::allocations();
    engine.step();
    ASSERT_EQ(test::allocations(), before) << "step " << step << ", after \"" << heard << '"';
  }
  while (engine.step()) {
  }
}

// Guesses of both kinds, right and wrong ones.
TEST_P(Allocation, NoneInADecodeStepThatSpeculates) {
  const auto model = load(load_checkpoint(source() / "assets/stories-7m"));
  Engine engine(
      model,
      {.max_sequences = 3, .context = 256, .step_tokens = 64, .draft_tokens = 2, .draft_model = model});
  const auto submit = [&](const char* prompt, DraftSource source) {
    engine.submit(model->encode_prompt(prompt), {.max_new_tokens = 200,
                                                 .sampling = {.temperature = 0.6f},
                                                 .ignore_eos = true,
                                                 .speculation = {.source = source, .adaptive = false}});
  };
  submit("Tim saw a dog. Tim saw a dog. Tim saw", DraftSource::kLookup);
  submit("Once upon a time", DraftSource::kModel);
  submit("The king", DraftSource::kModel);
  while (engine.waiting_for_first_token() > 0) engine.step();
  for (int warm = 0; warm < 4; ++warm) engine.step();
  for (int step = 0; step < 50; ++step) {
    const long before = test::allocations();
    engine.step();
    ASSERT_EQ(test::allocations(), before) << "step " << step;
  }
  while (engine.step()) {
  }
}

// The rows of a mixture choose other experts at every step.
TEST_P(Allocation, NoneInADecodeStepOfAMixture) {
  const auto model = load(load_checkpoint(source() / "tests/data/models/qwen3-moe"));
  Engine engine(model, {.max_sequences = 3, .context = 128, .step_tokens = 16});
  for (const std::int32_t first : {5, 6, 7})
    engine.submit({first, 11, 23}, {.max_new_tokens = 100, .ignore_eos = true});
  while (engine.waiting_for_first_token() > 0) engine.step();
  for (int warm = 0; warm < 4; ++warm) engine.step();
  for (int step = 0; step < 60; ++step) {
    const long before = test::allocations();
    engine.step();
    ASSERT_EQ(test::allocations(), before) << "step " << step;
  }
}

// A sentence encoder of the tiny BERT: what modules.json of a sentence transformer would say.
Checkpoint tiny_encoder(const std::filesystem::path& source) {
  Checkpoint checkpoint = load_checkpoint(source / "tests/data/models/bert-gelu");
  checkpoint.sentence_transformer.emplace();
  checkpoint.sentence_transformer->pooling = {Pooling::kMean};
  checkpoint.sentence_transformer->layers = {{.kind = SentenceLayer::Kind::kNormalize}};
  return checkpoint;
}

TEST_P(Allocation, OnlyTheResultOfAnEncoderBatch) {
  Encoder encoder(load(tiny_encoder(source())));
  std::vector<std::vector<std::int32_t>> texts;
  for (int length : {3, 17, 1, 30, 8}) texts.emplace_back(static_cast<std::size_t>(length), 5);
  const auto first = encoder.embed_tokens(texts);
  const long before = test::allocations();
  const auto again = encoder.embed_tokens(texts);
  EXPECT_EQ(test::allocations(), before + 1);
  EXPECT_EQ(again, first);
}

INSTANTIATE_TEST_SUITE_P(Precisions, Allocation,
                         testing::Values(Way{Arithmetic::kF32, 1}, Way{Arithmetic::kF32, 3},
                                         Way{Arithmetic::kInt8, 1}, Way{Arithmetic::kInt8, 3}),
                         [](const auto& way) {
                           return fmt::format("{}_{}", to_string(*way.param.precision), way.param.threads);
                         });

}  // namespace
}  // namespace swiftlet
