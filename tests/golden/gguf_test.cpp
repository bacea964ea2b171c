// GGUF models against transformers, which computed with the weights as the package gguf dequantizes them.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "golden_model.h"
#include "swiftlet/engine/engine.h"
#include "swiftlet/engine/scorer.h"
#include "swiftlet/io/gguf_model.h"
#include "swiftlet/io/transformers_folder.h"

namespace swiftlet {
namespace {

std::filesystem::path gguf(const std::string& name) {
  return source_dir() / "tests/data/gguf" / name;
}

std::vector<std::int32_t> greedy(const std::shared_ptr<LoadedModel>& model, std::vector<std::int32_t> prompt,
                                 std::int64_t count) {
  Engine engine(model, {.max_sequences = 1});
  const auto number = engine.submit(std::move(prompt), {.max_new_tokens = count, .ignore_eos = true});
  while (engine.step()) {
  }
  return engine.take(number).tokens;
}

class GgufGolden : public testing::TestWithParam<std::string> {
 protected:
  const kernels::KernelTable& table() const { return kernels::table_for(GetParam()); }
};

// F16, BF16, Q8_0, Q4_0, Q5_0, IQ4_NL and MXFP4 lose nothing, so float32 is all that differs.
TEST_P(GgufGolden, TypesThatAreKeptEqualTheReference) {
  check_against_dump({.model = gguf("llama-exact/model.gguf"),
                      .dump = gguf("llama-exact/golden.safetensors"),
                      .table = &table()});
}

TEST_P(GgufGolden, AnEncoderEqualsTheReference) {
  check_against_dump({.model = gguf("bert-mixed/model.gguf"),
                      .dump = gguf("bert-mixed/golden.safetensors"),
                      .table = &table()});
}

// A row of gguf_architectures.cpp each: its names, its keys, the order of its rows, what it adds to norms.
TEST_P(GgufGolden, EveryOtherArchitectureEqualsTheReference) {
  for (const char* name : {"qwen2", "qwen3", "granite", "smollm3", "olmo2", "phi3", "gemma", "gemma2",
                           "gemma3", "mixtral", "qwen2moe", "qwen3moe", "olmoe", "gpt-oss"}) {
    SCOPED_TRACE(name);
    testing::internal::CaptureStderr();
    check_against_dump({.model = gguf(std::string(name) + "/model.gguf"),
                        .dump = gguf(std::string(name) + "/golden.safetensors"),
                        .table = &table()});
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  }
}

// Those of Phi-3 begin within its original context and end beyond it.
TEST_P(GgufGolden, GreedyTokensEqualTheReference) {
  for (const char* name : {"llama-exact", "phi3"}) {
    SCOPED_TRACE(name);
    const auto dump = SafetensorsFile::open(gguf(std::string(name) + "/golden.safetensors"));
    const auto model = LoadedModel::load(gguf(std::string(name) + "/model.gguf"),
                                         {.precision = Arithmetic::kF32, .threads = 2, .table = &table()});
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(greedy(model, ids_of(dump, fmt::format("input_ids.{}", i)), 24),
                ids_of(dump, fmt::format("greedy.{}", i)));
  }
}

INSTANTIATE_TEST_SUITE_P(All, GgufGolden, testing::ValuesIn([] {
                           std::vector<std::string> names;
                           for (const auto* table : kernels::available_tables())
                             names.emplace_back(table->isa);
                           return names;
                         }()),
                         [](const auto& test) { return test.param; });

// A weight of the file as f32, in the order of transformers.
Weight decoded(const GgufFile& file, const GgufTensor& tensor, const Weight& like, std::int64_t heads) {
  const Buffer bytes = file.bytes(tensor);
  std::vector<float> values(static_cast<std::size_t>(tensor.shape.elements())), ordered(values.size());
  for (std::size_t at = 0, out = 0; at < bytes.size(); at += static_cast<std::size_t>(tensor.type->bytes)) {
    tensor.type->decode(bytes.data() + at, values.data() + out);
    out += static_cast<std::size_t>(tensor.type->block);
  }
  const std::int64_t rows = tensor.shape[0], k = tensor.shape.elements() / rows;
  const std::int64_t size = heads == 0 ? rows : rows / heads;
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t i = row % size, to = heads == 0 ? row : row - i + i / 2 + i % 2 * (size / 2);
    std::copy_n(values.begin() + row * k, k, ordered.begin() + to * k);
  }
  return weight_from_tensor(like.name, Tensor::from(ordered, like.shape));
}

// Blocks of every other type, decoded in full: names, the order of rows, rope factors and a tied head.
TEST(GgufBlocks, WithoutRoundingTheyEqualTheReference) {
  const std::filesystem::path path = gguf("llama-blocks/model.gguf");
  const GgufFile file = GgufFile::open(path);
  Checkpoint checkpoint = load_checkpoint(path);
  for (const GgufTensor& tensor : file.tensors()) {
    const auto contents = gguf_contents(find_gguf_architecture(file), tensor.name);
    if (contents.empty()) continue;  // rope_freqs
    const std::int64_t heads = tensor.name.ends_with("attn_q.weight")   ? 8
                               : tensor.name.ends_with("attn_k.weight") ? 4
                                                                        : 0;
    Weight& weight = checkpoint.weights.at(contents.front().name);
    weight = decoded(file, tensor, weight, heads);
  }
  checkpoint.tokenizer = {};  // the reference has ids only
  const auto folder = std::filesystem::path(testing::TempDir()) / fmt::format("gguf-blocks-{}", ::getpid());
  write_transformers_folder(folder, checkpoint);
  check_against_dump({.model = folder, .dump = gguf("llama-blocks/golden.safetensors")});
  std::filesystem::remove_all(folder);
}

// The same rounded to int8-g32. Random weights with random offsets feel it more than trained ones do.
TEST(GgufBlocks, RoundedTheyStayCloseToTheReference) {
  const auto dump = SafetensorsFile::open(gguf("llama-blocks/golden.safetensors"));
  const auto model =
      LoadedModel::load(gguf("llama-blocks/model.gguf"), {.precision = Arithmetic::kF32, .threads = 2});
  Scorer scorer(model, 128);
  for (int i = 0; i < 3; ++i) {
    const auto logits = scorer.logits(ids_of(dump, fmt::format("input_ids.{}", i)));
    const double error = relative_l2(logits, dump.tensor(fmt::format("logits.{}", i)).span<float>());
    EXPECT_LT(error, 0.03) << "sequence " << i;
    EXPECT_GT(error, 1e-4) << "nothing was rounded?";
  }
}

// Small models with what that converter has no keys for: windows and activations that are not those of the
// published models, multipliers, biases, heads.
constexpr std::array kUnsayable{
    "bloom-six-heads", "cohere2-window",   "distilbert",      "gemma2-caps",   "gemma3-both-sides",
    "gemma3-old-keys", "gemma3-text",      "gpt-neox-serial", "gpt-oss",       "gpt2-scales",
    "llama-mlp-bias",  "mistral-window",   "mixtral-window",  "mpt-six-heads", "olmo-clipped",
    "olmoe-clipped",   "olmoe-normalized", "qwen2-window",    "qwen3-heads",   "qwen3-window",
    "smollm3-no-rope", "smollm3-window",
};

// The small models as llama.cpp's own converter writes them: tools/reference/convert_with_llama_cpp.py.
TEST(ConvertedGguf, EqualsTheReferenceOfItsSource) {
  const char* folder = std::getenv("SWIFTLET_CONVERTED_DIR");
  if (folder == nullptr)
    GTEST_SKIP() << "SWIFTLET_CONVERTED_DIR is not set: no files by llama.cpp's converter";
  int compared = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().stem().string();
    if (std::find(kUnsayable.begin(), kUnsayable.end(), name) != kUnsayable.end()) continue;
    SCOPED_TRACE(name);
    try {
      check_against_dump(
          {.model = entry.path(), .dump = source_dir() / "tests/data/models" / name / "golden.safetensors"});
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
    ++compared;
  }
  EXPECT_GE(compared, 15);
}

// A file that the world made, of the weights that the bundled llama2.c file has.
TEST(GgufStories260K, AnswersAsTheBundledModelDoes) {
  const char* folder = std::getenv("SWIFTLET_DATA_DIR");
  if (folder == nullptr) GTEST_SKIP() << "SWIFTLET_DATA_DIR is not set: no models/stories260K";
  const auto path = std::filesystem::path(folder) / "models/stories260K/stories260Ktok512.gguf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  const auto model = LoadedModel::load(path, {.precision = Arithmetic::kF32, .threads = 2});
  std::ifstream file(source_dir() / "tests/data/stories260k/golden.json");
  int compared = 0;
  const auto golden = nlohmann::json::parse(file);
  for (const auto& test : golden["cases"]) {
    const auto prompt = model->encode_prompt(test["prompt"].get<std::string>());
    EXPECT_EQ(prompt, test["prompt_ids"].get<std::vector<std::int32_t>>());
    auto ids = test["ids"].get<std::vector<std::int32_t>>();
    ids.resize(100);  // the file allows 128 positions
    EXPECT_EQ(greedy(model, prompt, 100), ids) << test["prompt"];
    ++compared;
  }
  EXPECT_GE(compared, 3);
}

}  // namespace
}  // namespace swiftlet
