#include "swiftlet/io/llama2c.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "swiftlet/io/test_files.h"

namespace swiftlet {
namespace {

using testing::buffer_of;
using testing::bytes_of;
using ::testing::HasSubstr;
using testing::message_of;
using testing::TemporaryFolder;
using testing::write_file;

// dim 8, hidden 6, 2 layers, 2 heads of 4, 1 key/value head, 5 words, 3 positions; value i is i.
std::string model(bool tied) {
  constexpr int kLayer = 2 * 64 + 2 * 32 + 3 * 48 + 16;
  const int values = 5 * 8 * (tied ? 1 : 2) + 2 * kLayer + 8 + 3 * 4;
  std::string bytes = bytes_of<std::int32_t>({8, 6, 2, 2, 1, tied ? 5 : -5, 3});
  for (int i = 0; i < values; ++i) bytes += bytes_of<float>({static_cast<float>(i)});
  return bytes;
}

std::string pieces(int count) {
  std::string bytes = bytes_of<std::int32_t>({3});
  for (int i = 0; i < count; ++i) bytes += bytes_of<float>({-1}) + bytes_of<std::int32_t>({2}) + "ab";
  return bytes;
}

std::string parse_error(const std::string& bytes) {
  return message_of([&] { parse_llama2c(buffer_of(bytes), "m.bin"); });
}

float first(const Checkpoint& checkpoint, std::string_view name, int row = 0) {
  const Weight& weight = checkpoint.weight(name);
  return reinterpret_cast<const float*>(weight.codes.data())[row * weight.shape[-1]];
}

TEST(Llama2c, ReadsConfigAndWeightsInTheirOrder) {
  const Checkpoint c = parse_llama2c(buffer_of(model(false)), "m.bin");
  EXPECT_EQ(c.config.require_int("hidden_size"), 8);
  EXPECT_EQ(c.config.require_int("intermediate_size"), 6);
  EXPECT_EQ(c.config.require_int("num_key_value_heads"), 1);
  EXPECT_EQ(c.config.require_int("max_position_embeddings"), 3);
  EXPECT_FALSE(c.config.bool_or("tie_word_embeddings", true));
  EXPECT_EQ(c.weights.size(), 3U + 2U * 9U);
  EXPECT_EQ(first(c, "model.embed_tokens.weight"), 0);
  EXPECT_EQ(first(c, "model.layers.1.input_layernorm.weight"), 40 + 8);
  EXPECT_EQ(first(c, "model.layers.0.self_attn.v_proj.weight"), 40 + 16 + 128 + 64);
  EXPECT_EQ(c.weight("model.layers.0.mlp.down_proj.weight").shape, Shape({8, 6}));
  const int norm = 40 + 2 * (2 * 64 + 2 * 32 + 3 * 48 + 16);
  EXPECT_EQ(first(c, "model.norm.weight"), static_cast<float>(norm));
  EXPECT_EQ(first(c, "lm_head.weight"), static_cast<float>(norm + 8 + 12));
}

TEST(Llama2c, PutsRopeRowsIntoHalves) {
  const Checkpoint c = parse_llama2c(buffer_of(model(true)), "m.bin");
  EXPECT_EQ(c.find("lm_head.weight"), nullptr);
  EXPECT_TRUE(c.config.bool_or("tie_word_embeddings", false));
  const int q = 40 + 16, k = q + 128;
  const int order[] = {0, 2, 1, 3, 4, 6, 5, 7};
  for (int row = 0; row < 8; ++row)
    EXPECT_EQ(first(c, "model.layers.0.self_attn.q_proj.weight", row),
              static_cast<float>(q + order[row] * 8));
  for (int row = 0; row < 4; ++row)
    EXPECT_EQ(first(c, "model.layers.0.self_attn.k_proj.weight", row),
              static_cast<float>(k + order[row] * 8));
}

TEST(Llama2c, SharesTheFileForAllButRope) {
  const Buffer file = buffer_of(model(true));
  const Checkpoint c = parse_llama2c(file, "m.bin");
  EXPECT_EQ(c.weight("model.embed_tokens.weight").codes.data(), file.data() + 28);
  EXPECT_FALSE(c.weight("model.layers.0.mlp.up_proj.weight").codes.is_heap());
}

TEST(Llama2c, RefusesEveryTruncationAndAnyTail) {
  const std::string good = model(true);
  for (std::size_t length = 0; length < good.size(); ++length)
    EXPECT_THAT(parse_error(good.substr(0, length)), HasSubstr("m.bin")) << length;
  EXPECT_THAT(parse_error(good + "x"), HasSubstr("its header asks for exactly"));
}

TEST(Llama2c, RefusesEveryFlippedBitOfTheHeader) {
  for (std::size_t bit = 0; bit < 28 * 8; ++bit) {
    std::string bad = model(true);
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_THAT(parse_error(bad), HasSubstr("m.bin")) << bit;
  }
}

TEST(Llama2c, SaysWhatItIsInstead) {
  EXPECT_THAT(parse_error(bytes_of<std::int32_t>({0x616b3432, 2, 0, 0, 0, 0, 0, 0})),
              HasSubstr("version 2, only version 0"));
  EXPECT_THAT(parse_error("PK\x03\x04" + std::string(100, 'x')), HasSubstr("not a plausible header"));
}

TEST(Llama2c, TakesTheTokenizerWithTheRightNumberOfPieces) {
  TemporaryFolder folder;
  write_file(folder / "m.bin", model(true));
  EXPECT_EQ(load_checkpoint(folder / "m.bin").tokenizer.kind, TokenizerKind::kNone);
  write_file(folder / "tokenizer.bin", pieces(4));
  write_file(folder / "tok5.bin", pieces(5));
  write_file(folder / "tok6.bin", pieces(5) + "rest");
  const Checkpoint c = load_checkpoint(folder / "m.bin");
  EXPECT_EQ(c.tokenizer.kind, TokenizerKind::kLlama2c);
  EXPECT_THAT(c.tokenizer.where, HasSubstr("tok5.bin"));
  write_file(folder / "tokenizer.bin", pieces(5));
  EXPECT_THAT(load_checkpoint(folder / "m.bin").tokenizer.where, HasSubstr("tokenizer.bin"));
}

}  // namespace
}  // namespace swiftlet
