#include "swiftlet/engine/prompt_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "swiftlet/io/test_files.h"

namespace swiftlet {
namespace {

using ::swiftlet::testing::buffer_of;
using ::swiftlet::testing::message_of;
using ::swiftlet::testing::read_file;
using ::swiftlet::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;

// Two layers of one head and a sequence of forty tokens in two blocks, which are not the first.
class PromptCache : public ::testing::Test {
 protected:
  PromptCache() {
    kind_.layers = cache_.block_bytes();
    state_->extend(40);
    for (std::size_t i = 0; i < tokens_.size(); ++i) tokens_[i] = static_cast<std::int32_t>(i * 7 % 100);
    for (std::size_t layer = 0; layer < 2; ++layer)
      for (const std::int32_t block : state_->blocks()) {
        std::vector<std::byte> keys(kind_.layers[layer].keys), values(kind_.layers[layer].values);
        std::memset(keys.data(), int(layer * 16) + block, keys.size());
        std::memset(values.data(), 128 + int(layer * 16) + block, values.size());
        cache_.fill(layer, block, keys, values);
      }
  }
  std::string written(std::size_t tokens = 40, std::int64_t length = 40) {
    write_prompt_cache(folder_ / "x", kind_, cache_, std::span(tokens_).first(tokens), length,
                       state_->blocks());
    return read_file(folder_ / "x");
  }
  PromptCacheFile parse(std::string_view bytes) const {
    return parse_prompt_cache(SafetensorsFile::parse(buffer_of(bytes), "x.state"), kind_);
  }
  std::string error(std::string_view bytes) const {
    return message_of([&] { parse(bytes); });
  }

  static constexpr Program::State kLayers[] = {{1, 4, 2}, {1, 2, 2}};
  PagedCache cache_{kLayers, DType::kBF16, 6};
  std::unique_ptr<SequenceState> before_ = first_blocks(), state_ = cache_.new_sequence();
  std::vector<std::int32_t> tokens_ = std::vector<std::int32_t>(40);
  PromptCacheKind kind_{
      .model = "m", .precision = "", .instructions = "avx2", .cache = "BF16", .vocab_size = 100};
  TemporaryFolder folder_;

 private:
  std::unique_ptr<SequenceState> first_blocks() {
    auto taken = cache_.new_sequence();
    taken->extend(70);
    return taken;
  }
};

TEST_F(PromptCache, ComesBackAsItWas) {
  const std::string bytes = written();
  const PromptCacheFile file = parse(bytes);
  EXPECT_EQ(file.tokens, tokens_);
  ASSERT_EQ(file.keys.size(), 2u);
  for (std::size_t layer = 0; layer < 2; ++layer)
    for (std::size_t i = 0; i < 2; ++i) {
      const std::int32_t block = state_->blocks()[i];
      const auto same = [&](const Buffer& buffer, std::span<const std::byte> expected) {
        return std::memcmp(buffer.bytes().data() + i * expected.size(), expected.data(), expected.size()) ==
               0;
      };
      EXPECT_TRUE(same(file.keys[layer], cache_.keys(layer, block)));
      EXPECT_TRUE(same(file.values[layer], cache_.values(layer, block)));
    }
  EXPECT_EQ(written(), bytes);
}

TEST_F(PromptCache, TellsTheLengthOfItsSequence) {
  EXPECT_EQ(parse(written()).length, 40);
  EXPECT_EQ(parse(written(32)).length, 40);
  EXPECT_EQ(parse(written(32, 32)).length, 32);
}

TEST_F(PromptCache, HoldsOnlyTheBlocksOfItsTokens) {
  const PromptCacheFile file = parse(written(32));
  EXPECT_EQ(file.tokens.size(), 32u);
  EXPECT_EQ(file.keys[0].bytes().size(), kind_.layers[0].keys);
}

// What a sequence leaves in its blocks must not get into the file of the next.
TEST_F(PromptCache, BlocksThatAreTakenAnewAreEmpty) {
  state_.reset();
  const auto next = cache_.new_sequence();
  ASSERT_TRUE(next->extend(40));
  for (std::size_t layer = 0; layer < 2; ++layer)
    for (const std::int32_t block : next->blocks())
      for (const auto& bytes : {cache_.keys(layer, block), cache_.values(layer, block)})
        EXPECT_THAT(bytes, ::testing::Each(std::byte{0})) << "layer " << layer << ", block " << block;
}

TEST_F(PromptCache, EveryDamagedByteIsFound) {
  const std::string bytes = written();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_THAT(error(damaged), HasSubstr("x.state")) << i;
  }
}

TEST_F(PromptCache, FilesThatWereCutAreRefused) {
  const std::string bytes = written();
  for (std::size_t i = 0; i < bytes.size(); i += 13)
    EXPECT_THAT(error(bytes.substr(0, i)), HasSubstr("x.state")) << i;
  EXPECT_THAT(error(bytes + "x"), HasSubstr("x.state"));
}

TEST_F(PromptCache, WhatWasComputedOtherwiseIsRefused) {
  const std::string bytes = written();
  const auto with = [&](auto change) {
    const PromptCacheKind kept = kind_;
    change(kind_);
    const std::string told = error(bytes);
    kind_ = kept;
    return told;
  };
  EXPECT_THAT(with([](PromptCacheKind& kind) { kind.model = "n"; }),
              HasSubstr("[x.state] is the prompt cache of another model"));
  EXPECT_THAT(with([](PromptCacheKind& kind) { kind.precision = "f32"; }),
              HasSubstr("[x.state: precision] was as stored when the prompt cache was made, is f32 now"));
  EXPECT_THAT(with([](PromptCacheKind& kind) { kind.instructions = "amx"; }),
              HasSubstr("[x.state: instructions] was avx2"));
  EXPECT_THAT(with([](PromptCacheKind& kind) { kind.cache = "F32"; }),
              HasSubstr("[x.state: cache] was BF16"));
  EXPECT_THAT(with([](PromptCacheKind& kind) { kind.layers.pop_back(); }),
              HasSubstr("expected 3 tensors, came 5"));
  EXPECT_THAT(with([](PromptCacheKind& kind) { kind.layers[1].keys *= 2; }),
              AllOf(HasSubstr("layers.1.keys"), HasSubstr("expected U8")));
  EXPECT_THAT(with([](PromptCacheKind& kind) { kind.vocab_size = 50; }),
              HasSubstr("is no token of the model"));
}

TEST_F(PromptCache, OtherFilesAndNewerVersionsAreNamed) {
  EXPECT_THAT(error(testing::safetensors_bytes("{}")), HasSubstr("[x.state] is no prompt cache"));
  std::string newer = written();
  newer.replace(newer.find("\"version\":\"2\""), 13, "\"version\":\"3\"");
  EXPECT_THAT(error(newer), HasSubstr("is a prompt cache of version 3, only 2 is read"));
  std::string older = newer;
  older.replace(older.find("\"version\":\"3\""), 13, "\"version\":\"1\"");
  EXPECT_THAT(error(older), HasSubstr("is a prompt cache of version 1, only 2 is read"));
}

}  // namespace
}  // namespace swiftlet
