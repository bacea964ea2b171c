#include "swiftlet/io/transformers_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "swiftlet/io/native.h"
#include "swiftlet/io/test_files.h"

namespace swiftlet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::message_of;
using testing::TemporaryFolder;

std::filesystem::path asset(std::string_view name) {
  return std::filesystem::path(SWIFTLET_SOURCE_DIR) / "assets" / name;
}

// Bytes of every weight and tensor, and all else that both carry.
void expect_equal(const Checkpoint& a, const Checkpoint& b) {
  ASSERT_EQ(a.weights.size(), b.weights.size());
  for (const auto& [name, weight] : a.weights) {
    const Weight& other = b.weight(name);
    EXPECT_EQ(weight.shape, other.shape) << name;
    EXPECT_EQ(weight.encoding, other.encoding) << name;
    ASSERT_EQ(weight.codes.size(), other.codes.size()) << name;
    EXPECT_EQ(std::memcmp(weight.codes.data(), other.codes.data(), other.codes.size()), 0) << name;
  }
  EXPECT_EQ(a.tokenizer.text(), b.tokenizer.text());
  EXPECT_EQ(a.tokenizer.kind, b.tokenizer.kind);
  EXPECT_EQ(a.generation.eos_token_ids, b.generation.eos_token_ids);
  EXPECT_EQ(a.generation.bos_token_id, b.generation.bos_token_id);
}

TEST(TransformersFolder, RoundTripsABf16Model) {
  TemporaryFolder folder;
  const Checkpoint original = load_checkpoint(asset("stories-7m"));
  write_transformers_folder(folder / "out", original);
  const Checkpoint read = load_checkpoint(folder / "out");
  expect_equal(original, read);
  EXPECT_EQ(read.config.require_string("torch_dtype"), "bfloat16");
  EXPECT_EQ(read.config.require_int("hidden_size"), 256);
}

TEST(TransformersFolder, RoundTripsThroughTheNativeFile) {
  TemporaryFolder folder;
  const Checkpoint original = load_checkpoint(asset("stories260K/stories260K.bin"));
  write_native(folder / "m.swiftlet", original);
  EXPECT_EQ(verify_native(folder / "m.swiftlet").tensors, original.weights.size() + 1);
  const Checkpoint native = load_checkpoint(folder / "m.swiftlet");
  expect_equal(original, native);
  write_transformers_folder(folder / "out", native);
  const Checkpoint read = load_checkpoint(folder / "out");
  expect_equal(original, read);
  EXPECT_EQ(read.tokenizer.kind, TokenizerKind::kLlama2c);
}

Checkpoint encoder() {
  Checkpoint c;
  c.config = Config::parse(R"({"model_type":"bert","hidden_size":4,"dtype":"bfloat16"})", "config.json");
  std::vector<float> values(18 * 4);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i));
  const auto add = [&](Weight weight) { c.weights.emplace(weight.name, std::move(weight)); };
  add(encode(weight_from_tensor("w", Tensor::from(values, {18, 4})), {Format::kInt8}));
  add(weight_from_tensor("v", Tensor::from(std::vector<float>{0.1F, -2}, {2})));
  c.tensors.emplace("ids", Tensor::zeros(DType::kI64, {1, 3}));
  c.sentence_transformer =
      SentenceTransformer{{Pooling::kCls}, true, {SentenceLayer{}}, 128, true, {{"q", "query: "}}, "q"};
  c.chat_template = "{{ x }}";
  c.named_templates = {{"tool_use", "{{ tools }}"}};
  return c;
}

TEST(TransformersFolder, DecodesEncodedWeights) {
  TemporaryFolder folder;
  const Checkpoint original = encoder();
  write_transformers_folder(folder.path(), original);
  const Checkpoint read = load_checkpoint(folder.path());
  EXPECT_EQ(read.weight("w").encoding.format, Format::kF32);
  EXPECT_EQ(decode(read.weight("w")), decode(original.weight("w")));
  EXPECT_EQ(read.tensors.at("ids").dtype(), DType::kI64);
  EXPECT_EQ(read.config.require_string("torch_dtype"), "float32");
  EXPECT_FALSE(read.config.has("dtype"));
  EXPECT_EQ(read.chat_template, "{{ x }}");
  EXPECT_EQ(read.named_templates, original.named_templates);
  ASSERT_TRUE(read.sentence_transformer.has_value());
  EXPECT_EQ(read.sentence_transformer->pooling, std::vector{Pooling::kCls});
  EXPECT_EQ(read.sentence_transformer->layers.size(), 1u);
  EXPECT_TRUE(read.sentence_transformer->do_lower_case);
  EXPECT_EQ(read.sentence_transformer->max_seq_length, 128);
  EXPECT_EQ(read.sentence_transformer->prompts.at("q"), "query: ");
  EXPECT_EQ(read.sentence_transformer->default_prompt, "q");
}

TEST(TransformersFolder, RoundsToTheFormatThatIsAsked) {
  TemporaryFolder folder;
  write_transformers_folder(folder.path(), encoder(), Format::kBF16);
  const Checkpoint read = load_checkpoint(folder.path());
  EXPECT_EQ(read.weight("w").encoding.format, Format::kBF16);
  EXPECT_EQ(read.weight("v").shape, Shape({2}));
  EXPECT_THAT(decode(read.weight("v")), ElementsAre(0.10009765625F, -2.0F));
  EXPECT_EQ(read.config.require_string("torch_dtype"), "bfloat16");
}

TEST(TransformersFolder, RefusesIntegerFormatsAndPathsThatAreFiles) {
  TemporaryFolder folder;
  EXPECT_THAT(message_of([&] { write_transformers_folder(folder / "x", encoder(), Format::kInt8); }),
              HasSubstr("holds floats, not int8"));
  testing::write_file(folder / "file", "");
  EXPECT_THAT(message_of([&] { write_transformers_folder(folder / "file", encoder()); }),
              HasSubstr("file] cannot be created"));
}

// Written some rows at a time: the bytes must be those of the whole.
TEST(TransformersFolder, LargeWeightsAreWrittenInPieces) {
  TemporaryFolder folder;
  constexpr std::int64_t kRows = 1037, kColumns = 2100;
  std::vector<float> values(kRows * kColumns);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i));
  const Weight rows = weight_from_tensor("w", Tensor::from(values, {kRows, kColumns}));
  for (const Encoding& encoding : {Encoding{Format::kInt8}, Encoding{Format::kInt4, 32, true},
                                   Encoding{Format::kBF16}, Encoding{Format::kF32}}) {
    for (const auto format : {Format::kF32, Format::kF16, Format::kBF16}) {
      Checkpoint checkpoint;
      checkpoint.config = Config::parse(R"({"model_type":"bert"})", "config.json");
      checkpoint.weights.emplace("w", encode(rows, encoding));
      write_transformers_folder(folder / "out", checkpoint, format);
      const Weight read = load_checkpoint(folder / "out").weight("w");
      Weight expected =
          weight_from_tensor("w", Tensor::from(decode(checkpoint.weight("w")), {kRows, kColumns}));
      expected = unpack(encode(expected, {format}));
      ASSERT_EQ(read.encoding, expected.encoding);
      ASSERT_EQ(read.codes.size(), expected.codes.size());
      EXPECT_EQ(std::memcmp(read.codes.data(), expected.codes.data(), read.codes.size()), 0)
          << to_string(encoding) << " to " << to_string(Encoding{format});
    }
  }
}

TEST(TransformersFolder, AnErrorInAPieceTellsWhereItBegins) {
  TemporaryFolder folder;
  std::vector<float> values(1100 * 2048, 1.0F);
  values[1000 * 2048 + 3] = 1e20F;
  Checkpoint checkpoint;
  checkpoint.config = Config::parse(R"({"model_type":"bert"})", "config.json");
  checkpoint.weights.emplace("w", weight_from_tensor("w", Tensor::from(values, {1100, 2048})));
  EXPECT_THAT(message_of([&] { write_transformers_folder(folder / "out", checkpoint, Format::kF16); }),
              HasSubstr("w, counted from row 512] row 488 column 3 is 1e+20"));
}

}  // namespace
}  // namespace swiftlet
