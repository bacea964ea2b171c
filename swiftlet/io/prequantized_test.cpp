// One matrix as other tools pack it, against the values that their own code (or that of their kernels) reads.
#include "swiftlet/io/prequantized.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "swiftlet/core/error.h"
#include "swiftlet/io/checkpoint_parts.h"

namespace swiftlet {
namespace {

using ::testing::HasSubstr;

std::string path_of(const std::string& name) {
  return SWIFTLET_SOURCE_DIR "/tests/data/prequantized/" + name + ".safetensors";
}

struct Loaded {
  Checkpoint checkpoint;
  std::vector<float> expected;
};

Loaded load(const std::string& name) {
  const SafetensorsFile file = SafetensorsFile::open(path_of(name));
  Loaded loaded;
  loaded.checkpoint.source = "model";
  loaded.checkpoint.config = Config::parse(file.metadata().at("config"), "config.json");
  add_tensors(loaded.checkpoint, tensors_of(file));
  loaded.expected = decode(loaded.checkpoint.weight("expected"));
  loaded.checkpoint.weights.erase("expected");
  return loaded;
}

struct Case {
  const char* name;
  const char* encoding;
  bool rounded = false;
};

class Prequantized : public ::testing::TestWithParam<Case> {};

TEST_P(Prequantized, HoldsTheSameValues) {
  Loaded loaded = load(GetParam().name);
  join_quantized(loaded.checkpoint, false);
  ASSERT_EQ(loaded.checkpoint.weights.size(), 1u) << "what was packed is taken out";
  EXPECT_TRUE(loaded.checkpoint.tensors.empty());
  EXPECT_FALSE(loaded.checkpoint.config.has("quantization_config"));
  const Weight& weight = loaded.checkpoint.weight("m.weight");
  check_weight(weight);
  EXPECT_EQ(to_string(weight.encoding), GetParam().encoding);
  EXPECT_EQ(weight.shape, (Shape{16, 64}));
  const std::vector<float> values = decode(weight);
  ASSERT_EQ(values.size(), loaded.expected.size());
  float greatest = 0, error = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    greatest = std::max(greatest, std::abs(loaded.expected[i]));
    error = std::max(error, std::abs(values[i] - loaded.expected[i]));
  }
  ASSERT_GT(greatest, 0.01f);
  // Half a step of int8, and the rounding of the step to f16.
  EXPECT_LE(error, GetParam().rounded ? greatest / 254 * 1.01f : 0.0f);
  EXPECT_EQ(error > 0, GetParam().rounded);
}

// With `stream`, bytes are made when they are asked for.
TEST_P(Prequantized, StreamsTheSameBytes) {
  Loaded whole = load(GetParam().name), streamed = load(GetParam().name);
  join_quantized(whole.checkpoint, false);
  join_quantized(streamed.checkpoint, true);
  const Weight& planned = streamed.checkpoint.weight("m.weight");
  const Weight& there = whole.checkpoint.weight("m.weight");
  EXPECT_EQ(planned.codes.size(), 0u);
  EXPECT_EQ(planned.encoding, there.encoding);
  EXPECT_EQ(planned.shape, there.shape);
  const Weight made = streamed.checkpoint.with_bytes("m.weight");
  EXPECT_EQ(decode(made), decode(there));
}

INSTANTIATE_TEST_SUITE_P(
    All, Prequantized,
    ::testing::Values(
        Case{"gptq", "int4-g32"}, Case{"gptq_asymmetric", "int4-g32-asym"}, Case{"gptq_v2", "int4-g32-asym"},
        Case{"gptq_whole_rows", "int4"}, Case{"gptq_2_bits", "int4-g32"},
        Case{"gptq_8_bits", "int8-g32-asym"}, Case{"gptq_act_order", "int8-g32", true},
        Case{"awq", "int4-g32-asym"}, Case{"compressed_4_bits", "int4-g32"},
        Case{"compressed_4_bits_asymmetric", "int4-g32-asym"}, Case{"compressed_8_bits", "int8-g32-asym"},
        Case{"compressed_int8", "int8"}, Case{"bitsandbytes_nf4", "int8-g32", true},
        Case{"bitsandbytes_nf4_nested", "int8-g32", true}, Case{"bitsandbytes_fp4", "int8-g32", true},
        Case{"bitsandbytes_int8", "int8"}, Case{"fp8_blocks", "bf16", true},
        Case{"fp8_whole_e5m2", "bf16", true}, Case{"fbgemm_fp8", "bf16", true},
        Case{"modelopt_fp8", "bf16", true}, Case{"compressed_float8", "bf16", true},
        Case{"compressed_float8_groups", "bf16", true}, Case{"compressed_float8_blocks", "bf16", true}),
    [](const auto& test) { return std::string(test.param.name); });

std::string error_of(Loaded loaded) {
  try {
    join_quantized(loaded.checkpoint, false);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

Loaded with_config(const char* name, const std::string& config) {
  Loaded loaded = load(name);
  loaded.checkpoint.config = Config::parse("{\"quantization_config\": " + config + "}", "config.json");
  return loaded;
}

TEST(PrequantizedBad, NamesWhatIsNotThere) {
  EXPECT_EQ(error_of(with_config("gptq", R"({"quant_method": "hqq"})")),
            "[config.json: quantization_config: quant_method] 'hqq' is not available; known are gptq, awq, "
            "compressed-tensors, bitsandbytes, fp8, fbgemm_fp8, modelopt, mxfp4");
  EXPECT_THAT(error_of(with_config("gptq", R"({"quant_method": "gptq", "bits": 3})")),
              HasSubstr("3 is not available"));
  EXPECT_THAT(error_of(with_config("awq", R"({"quant_method": "awq", "bits": 4, "version": "gemv"})")),
              HasSubstr("'gemv' is not available"));
  EXPECT_THAT(
      error_of(with_config("compressed_int8",
                           R"({"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized"})")),
      HasSubstr("'nvfp4-pack-quantized' is not available"));
  EXPECT_THAT(error_of(with_config("modelopt_fp8", R"({"quant_method": "modelopt", "quant_algo": "NVFP4"})")),
              HasSubstr("'NVFP4' is not available, only FP8"));
  EXPECT_THAT(error_of(with_config("gptq", "3")), HasSubstr("quantization_config"));
  Loaded without = load("gptq");
  without.checkpoint.tensors.clear();
  EXPECT_THAT(error_of(std::move(without)), HasSubstr("expected weights of gptq, there are none"));
}

TEST(PrequantizedBad, NamesWhatDoesNotFit) {
  EXPECT_THAT(error_of(with_config("gptq", R"({"quant_method": "gptq", "bits": 4, "group_size": 48})")),
              HasSubstr("has 64 columns, groups have 48"));
  EXPECT_THAT(error_of(with_config("gptq", R"({"quant_method": "gptq", "bits": 4, "group_size": 16})")),
              HasSubstr("m.scales'] expected"));
  EXPECT_THAT(error_of(with_config("gptq", R"({"quant_method": "gptq", "bits": 8, "group_size": 16})")),
              HasSubstr("m.qzeros'] expected [2, 4]"));
  const auto without = [](const char* name, const std::string& tensor) {
    Loaded loaded = load(name);
    loaded.checkpoint.tensors.erase(tensor);
    loaded.checkpoint.weights.erase(tensor);
    return error_of(std::move(loaded));
  };
  EXPECT_EQ(without("gptq", "m.qzeros"), "[model: tensor 'm.qzeros'] is missing");
  EXPECT_EQ(without("awq", "m.scales"), "[model: tensor 'm.scales'] is missing");
  EXPECT_EQ(without("compressed_4_bits", "m.weight_shape"), "[model: tensor 'm.weight_shape'] is missing");
  EXPECT_EQ(without("bitsandbytes_nf4", "m.weight.absmax"), "[model: tensor 'm.weight.absmax'] is missing");
  EXPECT_EQ(without("bitsandbytes_nf4_nested", "m.weight.nested_quant_map"),
            "[model: tensor 'm.weight.nested_quant_map'] is missing");

  EXPECT_EQ(without("fp8_blocks", "m.weight_scale_inv"), "[model: tensor 'm.weight_scale'] is missing");
  EXPECT_THAT(
      error_of(with_config("fp8_blocks", R"({"quant_method": "fp8", "weight_block_size": [16, 16]})")),
      HasSubstr("m.weight_scale_inv'] expected [1, 4], is [2, 2]"));
  EXPECT_THAT(error_of(with_config("fp8_blocks", R"({"quant_method": "fp8", "weight_block_size": [16, 0]})")),
              HasSubstr("weight_block_size"));
  EXPECT_THAT(error_of(with_config("fp8_blocks", R"({"quant_method": "fp8"})")),
              HasSubstr("expected [16, 2]"));

  Loaded order = load("gptq_act_order");
  Tensor groups = Tensor::zeros(DType::kI32, Shape{64});
  groups.mutable_data<std::int32_t>()[3] = 2;
  order.checkpoint.tensors.at("m.g_idx") = groups;
  EXPECT_THAT(error_of(std::move(order)), HasSubstr("names group 2 of 2"));
  Loaded scales = load("gptq");
  std::vector<float> values = decode(scales.checkpoint.weight("m.scales"));
  values[5] = INFINITY;
  scales.checkpoint.weights.at("m.scales") =
      weight_from_tensor("m.scales", Tensor::from(values, Shape{2, 16}));
  EXPECT_THAT(error_of(std::move(scales)), HasSubstr("a scale of row 5 is inf"));
}

// A scale that f16 does not hold: its groups are rounded, the others stay.
TEST(PrequantizedBad, RoundsWhatCannotBeStored) {
  Loaded loaded = load("compressed_8_bits");
  std::vector<float> scales = decode(loaded.checkpoint.weight("m.weight_scale"));
  scales[0] = 0.1234567f;
  loaded.checkpoint.weights.at("m.weight_scale") =
      weight_from_tensor("m.weight_scale", Tensor::from(scales, Shape{16, 2}));
  const std::vector<float> before = loaded.expected;
  join_quantized(loaded.checkpoint, false);
  const std::vector<float> values = decode(loaded.checkpoint.weight("m.weight"));
  EXPECT_TRUE(std::equal(values.begin() + 32, values.end(), before.begin() + 32));
  float greatest = 0;
  for (int i = 0; i < 32; ++i) greatest = std::max(greatest, std::abs(values[std::size_t(i)]));
  EXPECT_GT(greatest, 1.0f);
}

}  // namespace
}  // namespace swiftlet
