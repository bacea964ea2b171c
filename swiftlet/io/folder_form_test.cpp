#include "swiftlet/io/folder_form.h"

#include <gtest/gtest.h>

#include "swiftlet/io/safetensors.h"
#include "swiftlet/io/test_files.h"
#include "swiftlet/io/transformers_folder.h"

namespace swiftlet {
namespace {

const std::filesystem::path kModels = std::filesystem::path(SWIFTLET_SOURCE_DIR) / "tests/data/models";
const std::filesystem::path kModel = kModels / "gpt2";
constexpr const char* kName = "transformer.h.0.mlp.c_fc.weight";

TEST(FolderForm, LinearsOfGpt2AreTurnedWhenReadAndBackWhenWritten) {
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

// Two groups of kernels [32, 16, 5] as a matrix over rows of 32 * 5.
TEST(FolderForm, ConvolutionsAreMatricesWhenReadAndKernelsWhenWritten) {
  const char* name = "encoder.conv.conv.weight";
  const std::filesystem::path model = kModels / "deberta-v2-groups";
  const Tensor stored = SafetensorsFile::open(model / "model.safetensors").tensor(name);
  ASSERT_EQ(stored.shape(), (Shape{32, 16, 5}));
  const std::vector<float> kernels = to_floats(stored);
  for (const bool stream : {false, true}) {
    const Checkpoint checkpoint = load_checkpoint(model, {.stream = stream});
    EXPECT_EQ(checkpoint.weight(name).shape, (Shape{32, 160}));
    const std::vector<float> matrix = decode(checkpoint.with_bytes(name));
    for (std::size_t row = 0; row < 32; ++row)
      for (std::size_t column = 0; column < 160; ++column) {
        const bool own = column / 80 == row / 16;
        ASSERT_EQ(matrix[row * 160 + column], own ? kernels[row * 80 + column % 80] : 0);
      }
    const swiftlet::testing::TemporaryFolder folder;
    write_transformers_folder(folder.path(), checkpoint);
    const Tensor written = SafetensorsFile::open(folder.path() / "model.safetensors").tensor(name);
    EXPECT_EQ(written.shape(), stored.shape());
    EXPECT_EQ(to_floats(written), kernels);
  }
}

TEST(FolderForm, IsAMatterOfTheModel) {
  EXPECT_TRUE(has_folder_form(Config::parse(R"({"model_type":"gpt2"})", "c"), "h.0.attn.c_attn.weight"));
  EXPECT_FALSE(has_folder_form(Config::parse(R"({"model_type":"gpt2"})", "c"), "h.0.attn.c_attn.bias"));
  EXPECT_FALSE(has_folder_form(Config::parse(R"({"model_type":"mpt"})", "c"), "h.0.attn.c_attn.weight"));
  EXPECT_FALSE(has_folder_form(Config::parse(R"({"model_type":"bert"})", "c"), "encoder.conv.conv.weight"));
}

}  // namespace
}  // namespace swiftlet
