#include "swiftlet/io/prequantized_methods.h"

#include <array>

#include "swiftlet/core/error.h"
#include "swiftlet/io/json.h"
#include "swiftlet/io/mxfp4_experts.h"

namespace swiftlet {
namespace {

constexpr std::array kMethods{QuantizationMethod{"gptq", take_gptq},
                              QuantizationMethod{"awq", take_awq},
                              QuantizationMethod{"compressed-tensors", take_compressed},
                              QuantizationMethod{"bitsandbytes", take_bitsandbytes},
                              QuantizationMethod{"fp8", take_fine_grained},
                              QuantizationMethod{"fbgemm_fp8", take_fine_grained},
                              QuantizationMethod{"modelopt", take_modelopt},
                              QuantizationMethod{"mxfp4", take_mxfp4_experts}};

}  // namespace

const QuantizationMethod& find_quantization_method(const Config& config) {
  const auto section = config.section("quantization_config");
  if (!section) config.fail_value("quantization_config", "an object");
  const std::string name = section->require_string("quant_method");
  std::string known;
  for (const QuantizationMethod& method : kMethods) {
    if (method.name == name) return method;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", method.name);
  }
  fail(ErrorCode::kUnsupported, section->where() + ": quant_method", "'{}' is not available; known are {}",
       printable(name), known);
}

}  // namespace swiftlet
