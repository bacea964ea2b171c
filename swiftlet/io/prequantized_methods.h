// The tools that quantize checkpoints, by quantization_config.quant_method: one row each.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "swiftlet/io/prequantized.h"

namespace swiftlet {

using QuantizedMatrices = std::vector<std::shared_ptr<const QuantizedMatrix>>;

// Each takes the packed tensors of one tool out of a checkpoint.
QuantizedMatrices take_gptq(Checkpoint& checkpoint);
QuantizedMatrices take_awq(Checkpoint& checkpoint);
QuantizedMatrices take_compressed(Checkpoint& checkpoint);
QuantizedMatrices take_bitsandbytes(Checkpoint& checkpoint);
QuantizedMatrices take_fine_grained(Checkpoint& checkpoint);
QuantizedMatrices take_modelopt(Checkpoint& checkpoint);
// All weights of fp8 with their scales; `block_size` [rows, columns] is that of a scale, or empty.
QuantizedMatrices take_float8(Checkpoint& checkpoint, const std::vector<std::int64_t>& block_size);

struct QuantizationMethod {
  std::string_view name;  // quant_method
  QuantizedMatrices (*take)(Checkpoint& checkpoint);
};

// Throws kUnsupported for a method that is not known, listing those that are.
const QuantizationMethod& find_quantization_method(const Config& config);

}  // namespace swiftlet
