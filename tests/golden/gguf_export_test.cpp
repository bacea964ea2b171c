// Models that are written as GGUF files, against the references of what they were made from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "golden_model.h"
#include "swiftlet/compress/compress.h"
#include "swiftlet/core/error.h"
#include "swiftlet/engine/scorer.h"

namespace swiftlet {
namespace {

struct Case {
  const char* name;
  const char* model;
  const char* dump;
};

class WrittenGguf : public testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::path(testing::TempDir()) / fmt::format("export-{}.gguf", ::getpid());
  }
  void TearDown() override { std::filesystem::remove(path_); }
  std::filesystem::path path_;
};

class GgufExport : public WrittenGguf, public testing::WithParamInterface<Case> {};

TEST_P(GgufExport, EqualsTheReferenceOfItsSource) {
  const Case& test = GetParam();
  convert_model(source_dir() / "tests/data" / test.model, path_, {});
  check_against_dump({.model = path_, .dump = source_dir() / "tests/data" / test.dump});
}

constexpr Case model(const char* name, const char* folder, const char* dump) {
  return {name, folder, dump};
}

INSTANTIATE_TEST_SUITE_P(
    All, GgufExport,
    testing::Values(
        model("llama", "models/llama-grouped", "models/llama-grouped/golden.safetensors"),
        model("llama_bias", "models/llama-bias", "models/llama-bias/golden.safetensors"),
        model("llama_bf16", "models/llama-bf16", "models/llama-bf16/golden.safetensors"),
        model("llama_tied", "models/llama-tied", "models/llama-tied/golden.safetensors"),
        model("llama_head_dim", "models/llama-head-dim", "models/llama-head-dim/golden.safetensors"),
        model("llama3", "models/llama-rope-llama3", "models/llama-rope-llama3/golden.safetensors"),
        model("yarn", "models/llama-rope-yarn", "models/llama-rope-yarn/golden.safetensors"),
        model("mistral", "models/mistral-full", "models/mistral-full/golden.safetensors"),
        model("qwen2", "models/qwen2-full", "models/qwen2-full/golden.safetensors"),
        model("gemma", "models/gemma-one", "models/gemma-one/golden.safetensors"),
        model("granite", "models/granite-multipliers", "models/granite-multipliers/golden.safetensors"),
        model("olmo2", "models/olmo2", "models/olmo2/golden.safetensors"),
        model("phi3_window", "models/phi3-window", "models/phi3-window/golden.safetensors"),
        model("phi3_longrope", "models/phi3-longrope", "models/phi3-longrope/golden.safetensors"),
        model("mixtral", "models/mixtral", "models/mixtral/golden.safetensors"),
        model("qwen2_moe", "models/qwen2-moe", "models/qwen2-moe/golden.safetensors"),
        model("qwen3_moe", "models/qwen3-moe", "models/qwen3-moe/golden.safetensors"),
        model("olmoe", "models/olmoe", "models/olmoe/golden.safetensors"),
        model("gpt_oss", "models/gpt-oss-mxfp4", "models/gpt-oss-mxfp4/golden.safetensors"),
        model("granite_moe", "models/granitemoe", "models/granitemoe/golden.safetensors"),
        model("stablelm", "models/stablelm-one", "models/stablelm-one/golden.safetensors"),
        model("stablelm_parallel", "models/stablelm-parallel", "models/stablelm-parallel/golden.safetensors"),
        model("command_r", "models/cohere-parallel", "models/cohere-parallel/golden.safetensors"),
        model("cohere2", "models/cohere2-window", "models/cohere2-window/golden.safetensors"),
        model("glm", "models/glm", "models/glm/golden.safetensors"),
        model("glm4", "models/glm4-post-norms", "models/glm4-post-norms/golden.safetensors"),
        model("gpt2", "models/gpt2", "models/gpt2/golden.safetensors"),
        model("gpt_neox", "models/gpt-neox-parallel", "models/gpt-neox-parallel/golden.safetensors"),
        model("bloom", "models/bloom", "models/bloom/golden.safetensors"),
        model("falcon_7b", "models/falcon-7b", "models/falcon-7b/golden.safetensors"),
        model("falcon_11b", "models/falcon-11b", "models/falcon-11b/golden.safetensors"),
        model("falcon_40b", "models/falcon-40b", "models/falcon-40b/golden.safetensors"),
        model("mpt", "models/mpt", "models/mpt/golden.safetensors"),
        model("mpt_clipped", "models/mpt-clipped", "models/mpt-clipped/golden.safetensors"),
        model("olmo", "models/olmo", "models/olmo/golden.safetensors"),
        model("gemma3", "models/gemma3-text", "models/gemma3-text/golden.safetensors"),
        model("phi", "models/phi-parallel", "models/phi-parallel/golden.safetensors"),
        model("nomic_bert", "models/nomic-bert", "models/nomic-bert/golden.safetensors"),
        model("modernbert", "models/modernbert", "models/modernbert/golden.safetensors"),
        model("from_gguf_mixtral", "gguf/mixtral/model.gguf", "gguf/mixtral/golden.safetensors"),
        model("from_gguf_gpt_oss", "gguf/gpt-oss/model.gguf", "gguf/gpt-oss/golden.safetensors"),
        model("bert", "models/bert-gelu", "models/bert-gelu/golden.safetensors"),
        model("from_gguf_llama", "gguf/llama-exact/model.gguf", "gguf/llama-exact/golden.safetensors"),
        model("from_gguf_bert", "gguf/bert-mixed/model.gguf", "gguf/bert-mixed/golden.safetensors"),
        model("from_gguf_qwen3", "gguf/qwen3/model.gguf", "gguf/qwen3/golden.safetensors"),
        model("from_gguf_smollm3", "gguf/smollm3/model.gguf", "gguf/smollm3/golden.safetensors"),
        model("from_gguf_gemma2", "gguf/gemma2/model.gguf", "gguf/gemma2/golden.safetensors"),
        model("from_gguf_gemma3", "gguf/gemma3/model.gguf", "gguf/gemma3/golden.safetensors")),
    [](const auto& test) { return std::string(test.param.name); });

// What the format has no key for is seen by reading the file before it gets its name.
TEST_F(WrittenGguf, IsRefusedForWhatTheFormatCannotSay) {
  for (const auto& [name, reason] : {std::pair{"mistral-window", "window=6"},
                                     {"mixtral-window", "window=6"},
                                     {"qwen3-moe-dense", "layers without experts"},
                                     {"gpt-oss", "GGUF cannot say all"},
                                     {"llama-mlp-bias", "function=gelu_pytorch_tanh"},
                                     {"qwen3-heads", "q_proj.bias"},
                                     {"bert-mlm", "head (masked LM) cannot"},
                                     {"falcon-rw", "GGUF cannot say all"},
                                     {"gpt2-scales", "GGUF cannot say all"},
                                     {"gpt-neox-serial", "has no weight of this name"},
                                     {"phi-qk-norm", "GGUF cannot say all"},
                                     {"modernbert-biases", "this model's head"},
                                     {"gptj", "'gptj' cannot be written"}}) {
    testing::internal::CaptureStderr();
    try {
      convert_model(source_dir() / "tests/data/models" / name, path_, {});
      ADD_FAILURE() << name << " was written";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(reason));
    }
    testing::internal::GetCapturedStderr();
    EXPECT_FALSE(std::filesystem::exists(path_)) << name;
  }
}

// Files leave out the positions of the padding token, and tell RoBERTa from BERT by their tokenizer.
TEST_F(WrittenGguf, KeepsPositionsAndHeadOfRoberta) {
  constexpr const char* kUnigram = R"({"model":{"type":"Unigram","unk_id":3,"vocab":[)";
  const auto folder = std::filesystem::path(testing::TempDir()) / fmt::format("roberta-{}", ::getpid());
  for (const auto& [name, padding] :
       {std::pair{"models/xlm-roberta", 3}, {"heads/xlm-roberta-sequence", 1}}) {
    const auto source = source_dir() / "tests/data" / name;
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    for (const char* file : {"config.json", "model.safetensors"})
      std::filesystem::copy_file(source / file, folder / file);
    std::string vocabulary;
    for (int id = 0; id < 40; ++id)
      vocabulary += fmt::format(R"({}["{}",{}])", id == 0 ? "" : ",",
                                id == padding ? std::string("<pad>") : fmt::format("w{}", id), -id);
    std::ofstream(folder / "tokenizer.json") << kUnigram << vocabulary << "]}}";
    std::ofstream(folder / "tokenizer_config.json") << R"({"pad_token":"<pad>"})";
    convert_model(folder, path_, {});
    check_against_dump({.model = path_, .dump = source / "golden.safetensors"});
  }
  const auto before = LoadedModel::load(folder, {}), after = LoadedModel::load(path_, {});
  ASSERT_TRUE(after->built.head.has_value());
  EXPECT_EQ(after->built.head->labels, before->built.head->labels);
  std::filesystem::remove_all(folder);
}

// int8 and int4 of a native file keep their codes.
TEST_F(WrittenGguf, KeepsTheCodesOfCompressedModels) {
  const auto native =
      std::filesystem::path(testing::TempDir()) / fmt::format("export-{}.swiftlet", ::getpid());
  for (const Format format : {Format::kInt8, Format::kInt4}) {
    const Encoding encoding{.format = format, .group = 32};
    CompressRequest request{.model = source_dir() / "assets/stories-7m", .output = native};
    request.plan.weights = request.plan.embeddings = encoding;
    compress_model(request, {});
    convert_model(native, path_, {});
    const auto before = LoadedModel::load(native, {.precision = Arithmetic::kF32, .threads = 2});
    const auto after = LoadedModel::load(path_, {.precision = Arithmetic::kF32, .threads = 2});
    for (const std::string& name : before->weights->names())
      EXPECT_EQ(decode(before->weights->get(name)), decode(after->weights->get(name))) << name;
    const auto ids = before->encode("Once upon a time, there was a fox.");
    EXPECT_EQ(ids, after->encode("Once upon a time, there was a fox."));
  }
  std::filesystem::remove(native);
}

}  // namespace
}  // namespace swiftlet
