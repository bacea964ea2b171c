// The tools that quantize checkpoints, by quantization_config.quant_method: one row each.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "swiftlet/io/prequantized.h"

namespace swiftlet {

struct QuantizationMethod {
  std::string_view name;  // quant_method
  // Takes the packed tensors out of a checkpoint.
  std::vector<std::shared_ptr<const QuantizedMatrix>> (*take)(Checkpoint& checkpoint);
};

// Throws kUnsupported for a method that is not known, listing those that are.
const QuantizationMethod& find_quantization_method(const Config& config);

}  // namespace swiftlet
