#include "swiftlet/io/stacked_experts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

// A checkpoint with one f32 tensor that counts from 0.
Checkpoint with(const std::string& name, Shape shape, const std::string& model_type = "qwen3_moe") {
  std::vector<float> values(static_cast<std::size_t>(shape.elements()));
  std::iota(values.begin(), values.end(), 0.0f);
  Checkpoint checkpoint;
  checkpoint.source = "model";
  checkpoint.config = Config::parse("{\"model_type\": \"" + model_type + "\"}", "config.json");
  checkpoint.weights.emplace(name, weight_from_tensor(name, Tensor::from(values, shape)));
  return checkpoint;
}

std::vector<std::string> names_of(const Checkpoint& checkpoint) {
  std::vector<std::string> names;
  for (const auto& [name, weight] : checkpoint.weights) names.push_back(name);
  return names;
}

std::string error_of(Checkpoint checkpoint) {
  try {
    split_stacked_experts(checkpoint, false);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(StackedExperts, GateAndUpAreTheHalvesOfTheRows) {
  Checkpoint checkpoint = with("m.0.mlp.experts.gate_up_proj", {2, 4, 3});
  const std::byte* bytes = checkpoint.weights.begin()->second.codes.data();
  split_stacked_experts(checkpoint, false);
  EXPECT_THAT(names_of(checkpoint),
              testing::ElementsAre("m.0.mlp.experts.0.gate_proj.weight", "m.0.mlp.experts.0.up_proj.weight",
                                   "m.0.mlp.experts.1.gate_proj.weight", "m.0.mlp.experts.1.up_proj.weight"));
  const Weight& up = checkpoint.weight("m.0.mlp.experts.1.up_proj.weight");
  EXPECT_EQ(up.shape, (Shape{2, 3}));
  EXPECT_EQ(decode(up), (std::vector<float>{18, 19, 20, 21, 22, 23}));
  EXPECT_EQ(decode(checkpoint.weight("m.0.mlp.experts.0.gate_proj.weight")),
            (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(up.codes.data(), bytes + 18 * 4) << "a window, not a copy";
}

TEST(StackedExperts, DownAndTheNamesOfGranite) {
  Checkpoint checkpoint = with("m.0.mlp.experts.down_proj", {2, 3, 2});
  split_stacked_experts(checkpoint, false);
  EXPECT_EQ(decode(checkpoint.weight("m.0.mlp.experts.1.down_proj.weight")),
            (std::vector<float>{6, 7, 8, 9, 10, 11}));
  checkpoint = with("m.0.block_sparse_moe.input_linear.weight", {2, 2, 2});
  split_stacked_experts(checkpoint, false);
  EXPECT_EQ(decode(checkpoint.weight("m.0.block_sparse_moe.experts.1.up_proj.weight")),
            (std::vector<float>{6, 7}));
}

TEST(StackedExperts, MixtralGetsItsPublishedNames) {
  Checkpoint checkpoint = with("m.0.mlp.experts.gate_up_proj", {1, 2, 2}, "mixtral");
  checkpoint.weights.emplace(
      "m.0.mlp.gate.weight",
      weight_from_tensor("m.0.mlp.gate.weight", Tensor::from(std::vector<float>{5, 6}, {1, 2})));
  split_stacked_experts(checkpoint, false);
  EXPECT_THAT(names_of(checkpoint), testing::ElementsAre("m.0.block_sparse_moe.experts.0.w1.weight",
                                                         "m.0.block_sparse_moe.experts.0.w3.weight",
                                                         "m.0.block_sparse_moe.gate.weight"));
  EXPECT_EQ(decode(checkpoint.weight("m.0.block_sparse_moe.gate.weight")), (std::vector<float>{5, 6}));
}

// [experts, in, 2 * out], gates in the even columns.
TEST(StackedExperts, GptOssLiesTheOtherWayRoundAndInTurns) {
  for (const bool stream : {false, true}) {
    Checkpoint checkpoint = with("m.0.mlp.experts.gate_up_proj", {2, 3, 4}, "gpt_oss");
    split_stacked_experts(checkpoint, stream);
    EXPECT_EQ(checkpoint.weight("m.0.mlp.experts.1.gate_proj.weight").codes.size() == 0, stream);
    EXPECT_EQ(decode(checkpoint.with_bytes("m.0.mlp.experts.1.gate_proj.weight")),
              (std::vector<float>{12, 16, 20, 14, 18, 22}));
    EXPECT_EQ(decode(checkpoint.with_bytes("m.0.mlp.experts.1.up_proj.weight")),
              (std::vector<float>{13, 17, 21, 15, 19, 23}));
    checkpoint = with("m.0.mlp.experts.down_proj", {2, 2, 3}, "gpt_oss");
    split_stacked_experts(checkpoint, stream);
    EXPECT_EQ(decode(checkpoint.with_bytes("m.0.mlp.experts.0.down_proj.weight")),
              (std::vector<float>{0, 3, 1, 4, 2, 5}));
    checkpoint = with("m.0.mlp.experts.gate_up_proj_bias", {2, 4}, "gpt_oss");
    split_stacked_experts(checkpoint, stream);
    EXPECT_EQ(decode(checkpoint.with_bytes("m.0.mlp.experts.1.up_proj.bias")), (std::vector<float>{5, 7}));
    checkpoint = with("m.0.mlp.experts.down_proj_bias", {2, 2}, "gpt_oss");
    split_stacked_experts(checkpoint, stream);
    EXPECT_EQ(decode(checkpoint.with_bytes("m.0.mlp.experts.1.down_proj.bias")), (std::vector<float>{2, 3}));
  }
}

TEST(StackedExperts, PutTogetherTheyAreWhatTheyWere) {
  struct Case {
    const char *name, *type;
    Shape shape;
  };
  for (const Case& c : {Case{"m.0.mlp.experts.gate_up_proj", "gpt_oss", {2, 3, 4}},
                        Case{"m.0.mlp.experts.down_proj", "gpt_oss", {2, 2, 3}},
                        Case{"m.0.mlp.experts.gate_up_proj_bias", "gpt_oss", {2, 4}},
                        Case{"m.0.mlp.experts.down_proj_bias", "gpt_oss", {2, 3}},
                        Case{"m.0.block_sparse_moe.input_linear.weight", "granitemoe", {3, 4, 5}},
                        Case{"m.0.block_sparse_moe.output_linear.weight", "granitemoe", {3, 5, 2}}}) {
    SCOPED_TRACE(c.name);
    const Checkpoint whole = with(c.name, c.shape, c.type);
    Checkpoint split = whole;
    split_stacked_experts(split, false);
    EXPECT_GT(split.weights.size(), 1u);
    const Checkpoint again = with_stacked_experts(split);
    EXPECT_THAT(names_of(again), testing::ElementsAre(c.name));
    EXPECT_EQ(again.weight(c.name).shape, c.shape);
    EXPECT_EQ(decode(again.with_bytes(c.name)), decode(whole.weight(c.name)));
    // Of an expert in integers the values.
    Weight& first = split.weights.begin()->second;
    if (first.shape.rank() != 2) continue;
    first = encode(first, {Format::kInt8, 0, false});
    EXPECT_NEAR(decode(with_stacked_experts(split).with_bytes(c.name))[1], 1, 0.1);
    split.weights.erase(first.name);
    EXPECT_THROW(with_stacked_experts(split), Error);
  }
  // Others are published as they are.
  EXPECT_EQ(names_of(with_stacked_experts(with("m.0.mlp.experts.0.up_proj.weight", {2, 2}))),
            std::vector<std::string>{"m.0.mlp.experts.0.up_proj.weight"});
}

TEST(StackedExperts, StacksOfOtherDimensionsAreRefused) {
  EXPECT_EQ(
      error_of(with("a.experts.gate_up_proj", {4, 3})),
      "[model: tensor 'a.experts.gate_up_proj'] expected 3 dimensions, the first of them experts, is [4, "
      "3]");
  EXPECT_EQ(error_of(with("a.experts.gate_up_proj", {2, 3, 2})),
            "[model: tensor 'a.experts.gate_up_proj'] expected as many rows of gates as of ups, has 3");
  Checkpoint twice = with("a.experts.down_proj", {1, 2, 2});
  twice.weights.emplace(
      "a.experts.0.down_proj.weight",
      weight_from_tensor("a.experts.0.down_proj.weight", Tensor::from(std::vector<float>(4), Shape{2, 2})));
  EXPECT_EQ(error_of(std::move(twice)),
            "[model: tensor 'a.experts.down_proj'] holds 'a.experts.0.down_proj.weight', which is there by "
            "itself");
}

}  // namespace
}  // namespace swiftlet
