#include "swiftlet/models/rope_config.h"

#include <cmath>
#include <numbers>

#include "swiftlet/core/error.h"

namespace swiftlet::models {
namespace {

// Llama 3.1: long wavelengths are divided by `factor`, short ones stay, those between are blended.
void scale_llama3(std::vector<double>& frequencies, const Config& scaling) {
  const double factor = scaling.require_number("factor", 1e-6, 1e6);
  const double low = scaling.require_number("low_freq_factor", 1e-6, 1e6);
  const double high = scaling.require_number("high_freq_factor", 1e-6, 1e6);
  const auto context = static_cast<double>(scaling.require_int("original_max_position_embeddings", 1));
  require(high > low, scaling.where(), "high_freq_factor {} must be above low_freq_factor {}", high, low);
  for (double& frequency : frequencies) {
    const double wavelength = 2 * std::numbers::pi / frequency;
    if (wavelength < context / high) continue;
    if (wavelength > context / low) {
      frequency /= factor;
      continue;
    }
    const double blend = (context / wavelength - low) / (high - low);
    frequency = (1 - blend) * frequency / factor + blend * frequency;
  }
}

}  // namespace

ops::RopeSpec rope_spec(const Config& config, std::int64_t head_dim) {
  const std::optional<Config> parameters = config.section("rope_parameters");
  const std::optional<Config> scaling = parameters ? parameters : config.section("rope_scaling");
  const double theta = parameters && parameters->has("rope_theta")
                           ? parameters->require_number("rope_theta", 1e-3)
                           : config.number_or("rope_theta", 10000.0, 1e-3);
  ops::RopeSpec spec{.head_dim = head_dim, .rotary_dim = head_dim};
  require(head_dim % 2 == 0, config.where(), "rope needs an even head size, it is {}", head_dim);
  spec.inverse_frequencies = ops::default_inverse_frequencies(theta, spec.rotary_dim);
  if (!scaling) return spec;
  const std::string type = scaling->string_or("rope_type", scaling->string_or("type", "default"));
  if (type == "linear") {
    const double factor = scaling->require_number("factor", 1e-6, 1e6);
    for (double& frequency : spec.inverse_frequencies) frequency /= factor;
  } else if (type == "llama3") {
    scale_llama3(spec.inverse_frequencies, *scaling);
  } else if (type != "default") {
    fail(ErrorCode::kUnsupported, scaling->where() + ": rope_type",
         "'{}' is not available; known are default, linear, llama3", type);
  }
  return spec;
}

}  // namespace swiftlet::models
