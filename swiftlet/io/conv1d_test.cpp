#include "swiftlet/io/conv1d.h"

#include <gtest/gtest.h>

#include "swiftlet/io/safetensors.h"
#include "swiftlet/io/test_files.h"
#include "swiftlet/io/transformers_folder.h"

namespace swiftlet {
namespace {

const std::filesystem::path kModel = std::filesystem::path(SWIFTLET_SOURCE_DIR) / "tests/data/models/gpt2";
constexpr const char* kName = "transformer.h.0.mlp.c_fc.weight";

TEST(Conv1d, IsTurnedWhenReadAndBackWhenWritten) {
  const Tensor stored = SafetensorsFile::open(kModel / "model.safetensors").tensor(kName);
  ASSERT_EQ(stored.shape(), (Shape{32, 128}));
  const std::vector<float> in_out = to_floats(stored);
  for (const bool stream : {false, true}) {
    const Checkpoint checkpoint = load_checkpoint(kModel, {.stream = stream});
    EXPECT_EQ(checkpoint.weight(kName).shape, (Shape{128, 32}));
    const std::vector<float> out_in = decode(checkpoint.with_bytes(kName));
    for (std::size_t i = 0; i < 32; ++i)
      for (std::size_t j = 0; j < 128; ++j) ASSERT_EQ(out_in[j * 32 + i], in_out[i * 128 + j]);
    EXPECT_EQ(checkpoint.weight("transformer.wte.weight").shape, (Shape{96, 32}));  // no linear
    const swiftlet::testing::TemporaryFolder folder;
    write_transformers_folder(folder.path(), checkpoint);
    const Tensor written = SafetensorsFile::open(folder.path() / "model.safetensors").tensor(kName);
    EXPECT_EQ(written.shape(), stored.shape());
    EXPECT_EQ(to_floats(written), in_out);
  }
}

TEST(Conv1d, IsAMatterOfGpt2Alone) {
  EXPECT_TRUE(is_conv1d(Config::parse(R"({"model_type":"gpt2"})", "c"), "h.0.attn.c_attn.weight"));
  EXPECT_FALSE(is_conv1d(Config::parse(R"({"model_type":"gpt2"})", "c"), "h.0.attn.c_attn.bias"));
  EXPECT_FALSE(is_conv1d(Config::parse(R"({"model_type":"mpt"})", "c"), "h.0.attn.c_attn.weight"));
}

}  // namespace
}  // namespace swiftlet
