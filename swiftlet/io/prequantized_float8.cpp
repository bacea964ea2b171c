#include "swiftlet/core/error.h"
#include "swiftlet/core/float_bits.h"
#include "swiftlet/io/json.h"
#include "swiftlet/io/prequantized_methods.h"
#include "swiftlet/io/prequantized_module.h"

namespace swiftlet {
namespace {

// weight [N, K] of e4m3 or e5m2 and the scales of its blocks: one, [N], [N, 1], or those of `block_size`, the
// last blocks cut off at the edges. Value = code * scale, which bf16 holds to 8 bits.
class Float8 final : public QuantizedMatrix {
 public:
  Float8(const Module& module, const std::string& scale, const std::vector<std::int64_t>& block_size) {
    name = module.name() + ".weight";
    where = module.where();
    const DType type = *module.type_of(".weight");
    convert_ = type == DType::kF8E4M3 ? f8e4m3_to_f32 : f8e5m2_to_f32;
    codes_ = module.integers(".weight", type);
    require(codes_.shape().rank() == 2 && codes_.elements() > 0, where, "expected a matrix, is {}",
            codes_.shape().to_string());
    n = codes_.shape()[0];
    k = codes_.shape()[1];
    values_as = {.format = Format::kBF16};
    scales_ = module.floats(scale);
    read_blocks(block_size, module.where(scale));
    // Those of activations and of the cache: both stay wider than 8 bits here.
    for (const char* end : {".input_scale", ".activation_scale", ".input_scale_ub", ".output_scale",
                            ".q_scale", ".k_scale", ".v_scale"})
      module.drop(end);
  }

  void read_values(std::int64_t row, float* values) const override {
    const std::uint8_t* const codes = codes_.data<std::uint8_t>() + row * k;
    const std::int64_t first = row / rows_ * per_line_;
    for (std::int64_t i = 0; i < k; ++i) values[i] = convert_(codes[i]) * at(scales_, first + i / columns_);
  }

 private:
  void read_blocks(const std::vector<std::int64_t>& block_size, const std::string& place) {
    const Shape& shape = scales_.shape();
    rows_ = n;
    columns_ = k;
    if (scales_.elements() == 1) return;
    rows_ = 1;
    if (shape == Shape{n} || shape == Shape{n, 1}) return;
    if (block_size.size() == 2) {
      rows_ = block_size[0];
      columns_ = block_size[1];
    } else if (shape.rank() == 2 && shape[1] > 0) {  // groups of a row
      require(k % shape[1] == 0, place, "is {}, which does not divide {} columns", shape.to_string(), k);
      columns_ = k / shape[1];
    }
    per_line_ = (k + columns_ - 1) / columns_;
    expect_shape(scales_, Shape{(n + rows_ - 1) / rows_, per_line_}, place);
  }

  float (*convert_)(std::uint8_t) = nullptr;
  std::int64_t rows_ = 1, columns_ = 1, per_line_ = 1;  // of a block; blocks side by side
  Tensor codes_, scales_;
};

std::vector<std::int64_t> block_size_of(const Config& config, std::string_view key) {
  const std::vector<std::int64_t> size = config.has(key) ? config.ints(key) : std::vector<std::int64_t>{};
  const bool good = size.empty() || (size.size() == 2 && size[0] > 0 && size[1] > 0);
  if (!good) config.fail_value(key, "two positive numbers");
  return size;
}

}  // namespace

QuantizedMatrices take_float8(Checkpoint& checkpoint, const std::vector<std::int64_t>& block_size) {
  QuantizedMatrices matrices;
  for (const Module& module : modules_with(checkpoint, ".weight")) {
    const auto type = module.type_of(".weight");
    if (type != DType::kF8E4M3 && type != DType::kF8E5M2) continue;
    const std::string scale = module.has(".weight_scale_inv") ? ".weight_scale_inv" : ".weight_scale";
    matrices.push_back(std::make_shared<Float8>(module, scale, block_size));
  }
  return matrices;
}

QuantizedMatrices take_fine_grained(Checkpoint& checkpoint) {
  const Config config = *checkpoint.config.section("quantization_config");
  return take_float8(checkpoint, block_size_of(config, "weight_block_size"));
}

QuantizedMatrices take_modelopt(Checkpoint& checkpoint) {
  const Config config = *checkpoint.config.section("quantization_config");
  if (const std::string algorithm = config.require_string("quant_algo"); algorithm != "FP8")
    fail(ErrorCode::kUnsupported, config.where() + ": quant_algo", "'{}' is not available, only FP8",
         printable(algorithm));
  return take_float8(checkpoint, {});
}

}  // namespace swiftlet
