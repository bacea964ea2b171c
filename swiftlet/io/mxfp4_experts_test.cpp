// That the values are those of transformers is shown by the golden test of gpt-oss-mxfp4.
#include "swiftlet/io/mxfp4_experts.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

Tensor bytes(Shape shape, std::uint8_t value) {
  Tensor tensor = Tensor::zeros(DType::kU8, std::move(shape));
  std::fill_n(tensor.mutable_data<std::uint8_t>(), tensor.elements(), value);
  return tensor;
}

// One expert of two rows of gates and two of ups, 64 columns.
Checkpoint small() {
  Checkpoint checkpoint;
  checkpoint.source = "model";
  Tensor blocks = bytes({1, 4, 2, 16}, 0x52);                       // 1 and 3 in turns
  std::fill_n(blocks.mutable_data<std::uint8_t>() + 32, 32, 0x9f);  // row 1, the first of the ups: -6, -0.5
  checkpoint.tensors.emplace("a.experts.gate_up_proj_blocks", blocks);
  checkpoint.tensors.emplace("a.experts.gate_up_proj_scales", bytes({1, 4, 2}, 128));
  checkpoint.tensors.emplace("a.experts.down_proj_blocks", bytes({1, 32, 1, 16}, 0));
  checkpoint.tensors.emplace("a.experts.down_proj_scales", bytes({1, 32, 1}, 127));
  return checkpoint;
}

TEST(Mxfp4Experts, RowsTakeTurnsAndNibblesAreNeighbours) {
  Checkpoint checkpoint = small();
  const auto matrices = take_mxfp4_experts(checkpoint);
  ASSERT_EQ(matrices.size(), 3u);
  EXPECT_TRUE(checkpoint.tensors.empty());
  EXPECT_EQ(matrices[0]->name, "a.experts.0.gate_proj.weight");
  EXPECT_EQ(matrices[1]->name, "a.experts.0.up_proj.weight");
  EXPECT_EQ(matrices[2]->name, "a.experts.0.down_proj.weight");
  EXPECT_EQ(to_string(encoding_of(*matrices[0])), "int8-g32");
  const Weight gate = make_weight(*matrices[0], nullptr), up = make_weight(*matrices[1], nullptr);
  EXPECT_EQ(gate.shape, (Shape{2, 64}));
  std::vector<float> row(64);
  decode_row(gate, 1, row.data());
  EXPECT_EQ(row[0], 2.0f);  // 1 * 2^1
  EXPECT_EQ(row[1], 6.0f);
  decode_row(up, 0, row.data());
  EXPECT_EQ(row[62], -12.0f);
  EXPECT_EQ(row[63], -1.0f);
}

TEST(Mxfp4Experts, TensorsThatDoNotFitAreRefused) {
  const auto error_of = [](const auto& damage) {
    Checkpoint checkpoint = small();
    damage(checkpoint);
    try {
      take_mxfp4_experts(checkpoint);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(error_of([](Checkpoint& c) { c.tensors.erase("a.experts.down_proj_scales"); }),
            "[model: tensor 'a.experts.down_proj_scales'] is missing");
  EXPECT_EQ(error_of([](Checkpoint& c) {
              c.tensors.at("a.experts.down_proj_scales") = bytes({1, 31, 1}, 0);
            }),
            "[model: tensor 'a.experts.down_proj_blocks'] is [1, 32, 1, 16], but its scales are [1, 31, 1]");
  EXPECT_EQ(error_of([](Checkpoint& c) {
              c.tensors.at("a.experts.down_proj_blocks") = bytes({32, 1, 16}, 0);
            }),
            "[model: tensor 'a.experts.down_proj_blocks'] expected u8 with 4 dimensions, is u8[32, 1, 16]");
  EXPECT_EQ(error_of([](Checkpoint& c) {
              c.tensors.at("a.experts.gate_up_proj_blocks") = bytes({1, 3, 1, 16}, 0);
            }),
            "[model: tensor 'a.experts.gate_up_proj_blocks'] expected [experts, 2 * rows, blocks, 16], is "
            "[1, 3, 1, "
            "16]");
}

}  // namespace
}  // namespace swiftlet
