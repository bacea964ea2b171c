#include "swiftlet/io/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "swiftlet/core/memory.h"
#include "swiftlet/io/safetensors.h"
#include "swiftlet/io/test_files.h"

namespace swiftlet {
namespace {

using testing::bytes_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::message_of;
using testing::safetensors_bytes;
using testing::TemporaryFolder;
using testing::write_file;

// One tensor "a" of `value` twice, as f32.
std::string one_tensor(const std::string& name, float value) {
  return safetensors_bytes(
      fmt::format(R"({{"{}":{{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}}})", name),
      bytes_of<float>({value, value}));
}

class CheckpointFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    write_file(folder_ / "config.json", R"({"model_type":"llama","eos_token_id":[7,8],"bos_token_id":1})");
    write_file(folder_ / "model.safetensors", one_tensor("a", 1));
  }
  std::string error() const { return error(folder_.path()); }
  static std::string error(const std::filesystem::path& path) {
    return message_of([&] { load_checkpoint(path); });
  }
  void write(std::string_view name, std::string_view text) const { write_file(folder_ / name, text); }
  void remove(std::string_view name) const { std::filesystem::remove(folder_ / name); }
  TemporaryFolder folder_;
};

TEST_F(CheckpointFolder, LoadsTheTransformersLayout) {
  write("tokenizer.json", "{\"x\":1}");
  write("tokenizer_config.json", R"({"chat_template":"{{ messages }}"})");
  write("generation_config.json", R"({"eos_token_id":2})");
  const Checkpoint checkpoint = load_checkpoint(folder_.path());
  EXPECT_EQ(checkpoint.format, "safetensors");
  EXPECT_EQ(checkpoint.config.require_string("model_type"), "llama");
  EXPECT_EQ(checkpoint.weight("a").shape, Shape({1, 2}));
  EXPECT_EQ(checkpoint.weight("a").encoding.format, Format::kF32);
  EXPECT_EQ(checkpoint.tokenizer.kind, TokenizerKind::kTokenizerJson);
  EXPECT_EQ(checkpoint.tokenizer.text(), "{\"x\":1}");
  EXPECT_THAT(checkpoint.generation.eos_token_ids, ElementsAre(2));
  EXPECT_EQ(checkpoint.generation.bos_token_id, 1);
  EXPECT_EQ(checkpoint.chat_template, "{{ messages }}");
  EXPECT_FALSE(checkpoint.sentence_transformer.has_value());
  EXPECT_THAT(message_of([&] { checkpoint.weight("b"); }), HasSubstr("weight 'b'] is missing"));
}

TEST_F(CheckpointFolder, TakesGenerationFromConfigAndNamedTemplates) {
  write("tokenizer_config.json",
        R"({"chat_template":[{"name":"tool","template":"T"},{"name":"default","template":"D"}]})");
  const Checkpoint checkpoint = load_checkpoint(folder_.path());
  EXPECT_THAT(checkpoint.generation.eos_token_ids, ElementsAre(7, 8));
  EXPECT_EQ(checkpoint.chat_template, "D");
  EXPECT_EQ(checkpoint.named_templates, (std::map<std::string, std::string>{{"tool", "T"}}));
  write("additional_chat_templates/rag.jinja", "R");
  EXPECT_EQ(load_checkpoint(folder_.path()).named_templates.at("rag"), "R");
  EXPECT_EQ(checkpoint.tokenizer.kind, TokenizerKind::kNone);
}

TEST_F(CheckpointFolder, FilesOfATemplateComeBeforeThatOfTheTokenizer) {
  write("tokenizer_config.json", R"({"chat_template":"C"})");
  EXPECT_EQ(load_checkpoint(folder_.path()).chat_template, "C");
  write("chat_template.json", R"({"chat_template":"J"})");
  EXPECT_EQ(load_checkpoint(folder_.path()).chat_template, "J");
  write("chat_template.jinja", "{{ messages }}");
  EXPECT_EQ(load_checkpoint(folder_.path()).chat_template, "{{ messages }}");
}

TEST_F(CheckpointFolder, LoadsASingleFileWithItsConfig) {
  EXPECT_EQ(load_checkpoint(folder_ / "model.safetensors").weights.size(), 1U);
  remove("config.json");
  EXPECT_THAT(error(folder_ / "model.safetensors"), HasSubstr("has no config.json beside it"));
}

TEST_F(CheckpointFolder, KeepsIntegersAsTensorsAndTurnsF64IntoF32) {
  write("model.safetensors",
        safetensors_bytes(R"({"d":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},)"
                          R"("h":{"dtype":"F16","shape":[2],"data_offsets":[8,12]},)"
                          R"("q":{"dtype":"I8","shape":[4],"data_offsets":[12,16]}})",
                          bytes_of<double>({0.5}) + bytes_of<std::uint16_t>({0x3c00, 0}) + "abcd"));
  const Checkpoint checkpoint = load_checkpoint(folder_.path());
  EXPECT_EQ(checkpoint.weight("d").encoding.format, Format::kF32);
  EXPECT_EQ(*reinterpret_cast<const float*>(checkpoint.weight("d").codes.data()), 0.5F);
  EXPECT_EQ(checkpoint.weight("h").encoding.format, Format::kF16);
  EXPECT_EQ(checkpoint.tensors.at("q").span<std::int8_t>()[1], 'b');
  EXPECT_EQ(checkpoint.weight_bytes(), 4 + 4 + 4);
}

TEST_F(CheckpointFolder, LoadsShards) {
  remove("model.safetensors");
  write("one.safetensors", one_tensor("a", 1));
  write("two.safetensors", one_tensor("b", 2));
  write("model.safetensors.index.json", R"({"weight_map":{"a":"one.safetensors","b":"two.safetensors"}})");
  EXPECT_EQ(load_checkpoint(folder_.path()).weights.size(), 2U);

  write("model.safetensors.index.json", R"({"weight_map":{"a":"one.safetensors","c":"two.safetensors"}})");
  EXPECT_THAT(error(), HasSubstr("two.safetensors: tensor 'c'] is not in the file"));
  write("model.safetensors.index.json", R"({"weight_map":{"a":"three.safetensors"}})");
  EXPECT_THAT(error(), HasSubstr("three.safetensors] is missing"));
  write("model.safetensors.index.json", R"({"weight_map":{"a":"../one.safetensors"}})");
  EXPECT_THAT(error(), HasSubstr("expected a path inside the folder"));
  write("model.safetensors.index.json", R"({"weight_map":{"a":3}})");
  EXPECT_THAT(error(), HasSubstr("weight_map: a] expected a string, got 3"));
  write("two.safetensors", one_tensor("a", 2));
  write("model.safetensors.index.json", R"({"weight_map":{"a":"one.safetensors","b":"two.safetensors"}})");
  EXPECT_THAT(error(), HasSubstr("two.safetensors: tensor 'b'] is not in the file"));
}

TEST_F(CheckpointFolder, SaysWhatIsMissingOrNotSupported) {
  EXPECT_THAT(error("no/where/model"), HasSubstr("[no/where/model] no such file or folder"));
  write("model.gguf", "GGUF");
  EXPECT_THAT(error(folder_ / "model.gguf"),
              HasSubstr("model.gguf: header] expected 4 bytes of the version at byte 4"));
  write("x.onnx", "x");
  EXPECT_THAT(error(folder_ / "x.onnx"), HasSubstr("onnx files are not supported yet"));
  write("x.txt", "x");
  EXPECT_THAT(error(folder_ / "x.txt"), HasSubstr("is of no known kind"));
  EXPECT_THAT(error(folder_ / "config.json"), HasSubstr("name its folder instead"));
  remove("model.safetensors");
  remove("x.onnx");
  EXPECT_THAT(error(), HasSubstr("model.gguf: header] expected 4 bytes"));
  write("other.gguf", "GGUF");
  EXPECT_THAT(error(), HasSubstr("holds 2 GGUF models, model.gguf among them: name the file"));
  remove("other.gguf");
  remove("model.gguf");
  EXPECT_THAT(error(), HasSubstr("has no model.safetensors"));
  write("pytorch_model.bin", "x");
  EXPECT_THAT(error(), HasSubstr("pytorch_model.bin] does not begin as a file of torch.save does"));
  remove("config.json");
  remove("pytorch_model.bin");
  EXPECT_THAT(error(), HasSubstr("has no config.json or modules.json"));
}

TEST_F(CheckpointFolder, NamesTheBrokenFile) {
  write("config.json", "{\"a\": ");
  EXPECT_THAT(error(), HasSubstr("config.json] is not valid JSON"));
  write("config.json", "{}");
  write("generation_config.json", "{\"eos_token_id\": \"x\"}");
  EXPECT_THAT(error(), HasSubstr("generation_config.json: eos_token_id] expected an integer or a list"));
  write("generation_config.json", "{}");
  write("model.safetensors", one_tensor("a", 1).substr(0, 70));
  EXPECT_THAT(error(), HasSubstr("model.safetensors: tensor 'a'] data_offsets"));
}

TEST_F(CheckpointFolder, RefusesAModelLargerThanTheMemoryBeforeLoading) {
  const std::uint64_t bytes = available_memory_bytes() / 2 * 4;
  const SafetensorsDeclaration huge{"a", DType::kF32, {static_cast<std::int64_t>(bytes / 4)}};
  write("model.safetensors", safetensors_header({&huge, 1}, {}, 64, "huge"));
  const auto path = folder_ / "model.safetensors";
  std::error_code failed;
  std::filesystem::resize_file(path, std::filesystem::file_size(path) + bytes, failed);
  if (failed) GTEST_SKIP() << "no sparse file of " << bytes << " bytes here: " << failed.message();
  EXPECT_THAT(error(), HasSubstr("GB of memory,"));
  EXPECT_EQ(load_checkpoint(folder_.path(), {.check_memory = false}).weight_bytes(),
            static_cast<std::int64_t>(bytes));
}

class SentenceFolder : public CheckpointFolder {
 protected:
  void SetUp() override {
    write("modules.json",
          R"([{"idx":0,"name":"0","path":"0_Transformer","type":"sentence_transformers.models.Transformer"},)"
          R"({"idx":1,"name":"1","path":"1_Pooling","type":"sentence_transformers.models.Pooling"},)"
          R"({"idx":2,"name":"2","path":"2_Normalize","type":"sentence_transformers.models.Normalize"}])");
    write("0_Transformer/config.json", R"({"model_type":"bert"})");
    write("0_Transformer/model.safetensors", one_tensor("a", 1));
    write("0_Transformer/vocab.txt", "[PAD]\n");
    write("0_Transformer/sentence_bert_config.json", R"({"max_seq_length":256,"do_lower_case":true})");
    write("1_Pooling/config.json", R"({"pooling_mode_cls_token":true,"pooling_mode_mean_tokens":false})");
  }
};

TEST_F(SentenceFolder, LoadsPoolingAndNormalize) {
  write("config_sentence_transformers.json",
        R"({"prompts":{"query":"query: ","passage":"p: "},"default_prompt_name":"query"})");
  const Checkpoint checkpoint = load_checkpoint(folder_.path());
  EXPECT_EQ(checkpoint.tokenizer.kind, TokenizerKind::kVocabText);
  ASSERT_TRUE(checkpoint.sentence_transformer.has_value());
  const SentenceTransformer& sentence = *checkpoint.sentence_transformer;
  EXPECT_EQ(sentence.pooling, std::vector{Pooling::kCls});
  ASSERT_EQ(sentence.layers.size(), 1u);
  EXPECT_EQ(sentence.layers[0].kind, SentenceLayer::Kind::kNormalize);
  EXPECT_TRUE(sentence.do_lower_case);
  EXPECT_EQ(sentence.max_seq_length, 256);
  EXPECT_EQ(sentence.prompts.at(sentence.default_prompt), "query: ");
}

TEST_F(SentenceFolder, ReadsTheNewerPoolingWord) {
  write("1_Pooling/config.json", R"({"pooling_mode":"lasttoken"})");
  EXPECT_EQ(load_checkpoint(folder_.path()).sentence_transformer->pooling, std::vector{Pooling::kLastToken});
  write("0_Transformer/config.json", R"({"model_type":"bert","hidden_size":8})");
  write("1_Pooling/config.json", R"({"pooling_mode":"lasttoken","word_embedding_dimension":6})");
  EXPECT_THAT(error(), HasSubstr("hidden_size] is 8, but word_embedding_dimension of the pooling is 6"));
  write("1_Pooling/config.json", R"({"pooling_mode":"sum"})");
  EXPECT_THAT(error(), HasSubstr("1_Pooling/config.json: pooling_mode] expected mean, cls"));
}

TEST_F(SentenceFolder, RefusesWhatItCannotCompute) {
  write("1_Pooling/config.json", R"({"pooling_mode_cls_token":true,"pooling_mode_mean_tokens":true})");
  EXPECT_EQ(load_checkpoint(folder_.path()).sentence_transformer->pooling,
            (std::vector{Pooling::kCls, Pooling::kMean}));
  write("1_Pooling/config.json", R"({"pooling_mode_cls_token":1})");
  EXPECT_THAT(error(), HasSubstr("pooling_mode_cls_token] expected true or false, got 1"));
  write("1_Pooling/config.json", "{}");
  EXPECT_THAT(error(), HasSubstr("expected a pooling mode"));
  write("modules.json", R"([{"path":"","type":"sentence_transformers.models.Dense"}])");
  EXPECT_THAT(error(),
              HasSubstr("modules.json: module 0] sentence_transformers.models.Dense is not supported"));
  write("modules.json", R"([{"path":"../..","type":"sentence_transformers.models.Transformer"}])");
  EXPECT_THAT(error(), HasSubstr("module 0: path] expected a path inside the folder"));
  write("modules.json", R"([{"path":"0_Transformer","type":"sentence_transformers.models.Transformer"}])");
  EXPECT_THAT(error(), HasSubstr("has no Pooling module"));
  write("modules.json", "[3]");
  EXPECT_THAT(error(), HasSubstr("modules.json: module 0] expected a JSON object, got 3"));
  write("modules.json", "{}");
  EXPECT_THAT(error(), HasSubstr("modules.json] expected a list of modules"));
}

// What streams makes the bytes that cannot be shared only when it is asked for them.
void expect_streams_alike(const std::filesystem::path& path, std::size_t made) {
  const Checkpoint whole = load_checkpoint(path);
  const Checkpoint streamed = load_checkpoint(path, {.check_memory = false, .stream = true});
  EXPECT_EQ(streamed.made_weights.size(), made);
  ASSERT_EQ(streamed.weights.size(), whole.weights.size());
  for (const auto& [name, weight] : whole.weights) {
    EXPECT_EQ(streamed.weight(name).codes.size() == 0, streamed.made_weights.contains(name)) << name;
    EXPECT_EQ(streamed.weight(name).shape, weight.shape) << name;
    EXPECT_EQ(streamed.weight(name).encoding, weight.encoding) << name;
    const Weight made_now = streamed.with_bytes(name);
    ASSERT_EQ(made_now.codes.size(), weight.codes.size()) << name;
    EXPECT_EQ(std::memcmp(made_now.codes.data(), weight.codes.data(), weight.codes.size()), 0) << name;
  }
}

TEST_F(CheckpointFolder, WidensFloat8WithoutScales) {
  write("model.safetensors",
        safetensors_bytes(R"({"a":{"dtype":"F8_E4M3","shape":[1,3],"data_offsets":[0,3]},)"
                          R"("b":{"dtype":"F8_E5M2","shape":[2],"data_offsets":[3,5]}})",
                          "\x38\xc4\x01\x3c\xc1"));
  const Checkpoint checkpoint = load_checkpoint(folder_.path());
  EXPECT_EQ(checkpoint.weight("a").encoding.format, Format::kBF16);
  EXPECT_THAT(decode(checkpoint.weight("a")), ElementsAre(1.0F, -3.0F, 0x1p-9F));
  EXPECT_THAT(decode(checkpoint.weight("b")), ElementsAre(1.0F, -2.5F));
  EXPECT_TRUE(checkpoint.tensors.empty());
  expect_streams_alike(folder_.path(), 2);
}

TEST_F(CheckpointFolder, StreamsF64AndUnalignedWeights) {
  write("model.safetensors", safetensors_bytes(R"({"b":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]},)"
                                               R"("a":{"dtype":"F32","shape":[1,2],"data_offsets":[1,9]},)"
                                               R"("d":{"dtype":"F64","shape":[2,1],"data_offsets":[9,25]}})",
                                               "\1" + bytes_of<float>({3, 4}) + bytes_of<double>({5.5, -6})));
  expect_streams_alike(folder_.path(), 2);
  const Checkpoint streamed = load_checkpoint(folder_.path(), {.check_memory = false, .stream = true});
  EXPECT_THAT(decode(streamed.with_bytes("d")), ElementsAre(5.5F, -6.0F));
  EXPECT_EQ(message_of([&] { streamed.with_bytes("x"); }),
            fmt::format("[{}: weight 'x'] is missing", folder_.path().string()));
}

std::filesystem::path asset(std::string_view name) {
  return std::filesystem::path(SWIFTLET_SOURCE_DIR) / "assets" / name;
}

TEST(CheckpointReal, LoadsStories7m) {
  const Checkpoint checkpoint = load_checkpoint(asset("stories-7m"));
  EXPECT_EQ(checkpoint.weight("model.embed_tokens.weight").encoding.format, Format::kBF16);
  EXPECT_EQ(checkpoint.weights.size(), 2U + 8U * 9U);
  EXPECT_EQ(checkpoint.find("lm_head.weight"), nullptr);
  EXPECT_THAT(checkpoint.generation.eos_token_ids, ElementsAre(0));
  EXPECT_EQ(checkpoint.tokenizer.kind, TokenizerKind::kTokenizerJson);
}

TEST(CheckpointReal, LoadsStories260K) {
  const Checkpoint checkpoint = load_checkpoint(asset("stories260K/stories260K.bin"));
  EXPECT_EQ(checkpoint.format, "llama2.c");
  EXPECT_EQ(checkpoint.config.require_int("vocab_size"), 512);
  EXPECT_EQ(checkpoint.weight("model.layers.4.self_attn.k_proj.weight").shape, Shape({32, 64}));
  EXPECT_EQ(checkpoint.tokenizer.kind, TokenizerKind::kLlama2c);
  EXPECT_THAT(checkpoint.tokenizer.where, HasSubstr("tok512.bin"));
}

TEST(CheckpointReal, StreamsAsItLoads) {
  expect_streams_alike(asset("stories-7m"), 0);
  expect_streams_alike(asset("stories260K/stories260K.bin"), 2 * 5);  // query and key of every layer
  const auto gguf = std::filesystem::path(SWIFTLET_SOURCE_DIR) / "tests/data/gguf/llama-exact/model.gguf";
  // Queries, keys and their biases of two layers, and the matrices of blocks besides.
  expect_streams_alike(gguf, 2 * 4 + 9);
}

}  // namespace
}  // namespace swiftlet
