#include "swiftlet/models/rope_config.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "swiftlet/core/error.h"
#include "swiftlet/io/rope_section.h"
#include "swiftlet/models/family.h"

namespace swiftlet::models {
namespace {

// Llama 3.1: long wavelengths are divided by `factor`, short ones stay, those between are blended.
void scale_llama3(std::vector<double>& frequencies, const Config& config, const Config& scaling) {
  const double factor = scaling.require_number("factor", 1e-6, 1e6);
  const double low = scaling.require_number("low_freq_factor", 1e-6, 1e6);
  const double high = scaling.require_number("high_freq_factor", 1e-6, 1e6);
  const auto context = static_cast<double>(original_context(config, scaling));
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

// The pair of dimensions that turns `rotations` times within `context` positions, as a fraction (YaRN,
// section 3.2: the wavelength of pair i is 2 pi theta^(2i/d)).
double pair_of_rotations(double rotations, double context, double theta, double rotary_dim) {
  return rotary_dim * std::log(context / (2 * std::numbers::pi * rotations)) / (2 * std::log(theta));
}

// YaRN (Peng et al., 2023): pairs that turn often within the original context stay, those that turn less than
// once are interpolated, a ramp between; and all scores are sharpened through the length of the rotated
// vectors.
void scale_yarn(ops::RopeSpec& spec, const Config& config, const Config& scaling, double theta) {
  const auto context = static_cast<double>(original_context(config, scaling));
  const double factor = scaling.require_number("factor", 1e-6, 1e6);
  const double fast = scaling.number_or("beta_fast", 32, 1e-6),
               slow = scaling.number_or("beta_slow", 1, 1e-6);
  require(theta > 1, config.where(), "yarn needs a rope_theta above 1, it is {}", theta);
  const auto dim = static_cast<double>(spec.rotary_dim);
  double first = pair_of_rotations(fast, context, theta, dim),
         last = pair_of_rotations(slow, context, theta, dim);
  if (scaling.bool_or("truncate", true)) first = std::floor(first), last = std::ceil(last);
  first = std::max(first, 0.0), last = std::min(last, dim - 1);
  if (first == last) last += 0.001;  // a step; as transformers does
  for (std::size_t i = 0; i < spec.inverse_frequencies.size(); ++i) {
    const double interpolated = std::clamp((static_cast<double>(i) - first) / (last - first), 0.0, 1.0);
    spec.inverse_frequencies[i] *= interpolated / factor + (1 - interpolated);
  }
  // The paper's equation 22; DeepSeek's models give two multiples of its logarithm instead.
  const auto length = [&](double multiple) {
    return factor <= 1 ? 1.0 : 0.1 * multiple * std::log(factor) + 1;
  };
  const double over = scaling.number_or("mscale", 0), under = scaling.number_or("mscale_all_dim", 0);
  const double inferred = over != 0 && under != 0 ? length(over) / length(under) : length(1);
  spec.attention_factor = scaling.number_or("attention_factor", inferred, 1e-6, 1e6);
}

std::vector<double> divided(const std::vector<double>& frequencies, const Config& scaling,
                            std::string_view key) {
  const std::vector<double> factors = scaling.numbers(key);
  const std::string where = fmt::format("{}: {}", scaling.where(), key);
  require(factors.size() == frequencies.size(), where,
          "expected {} numbers, one for every pair that rotates, got {}", frequencies.size(), factors.size());
  std::vector<double> quotients;
  for (std::size_t i = 0; i < factors.size(); ++i) {
    require(factors[i] > 0, where, "must be positive, got {}", factors[i]);
    quotients.push_back(frequencies[i] / factors[i]);
  }
  return quotients;
}

// LongRoPE: a factor for every pair of dimensions, others beyond the original context, and longer vectors by
// the ratio of the contexts.
void scale_longrope(ops::RopeSpec& spec, const Config& config, const Config& scaling) {
  const std::vector<double> usual = spec.inverse_frequencies;
  spec.inverse_frequencies = divided(usual, scaling, "short_factor");
  spec.attention_factor = longrope_attention_factor(config, scaling);
  std::vector<double> extended = divided(usual, scaling, "long_factor");
  if (extended == spec.inverse_frequencies) return;
  spec.long_inverse_frequencies = std::move(extended);
  spec.short_context = original_context(config, scaling);
}

void apply_scaling(ops::RopeSpec& spec, const Config& config, const Config& scaling, double theta) {
  const std::string type = rope_type(scaling);
  if (type == "linear") {
    const double factor = scaling.require_number("factor", 1e-6, 1e6);
    for (double& frequency : spec.inverse_frequencies) frequency /= factor;
  } else if (type == "llama3") {
    scale_llama3(spec.inverse_frequencies, config, scaling);
  } else if (type == "yarn") {
    scale_yarn(spec, config, scaling, theta);
  } else if (type == "longrope") {
    scale_longrope(spec, config, scaling);
  } else if (type == "dynamic") {
    scaling.require_number("factor", 1e-6, 1e6);  // of what begins where our contexts end
  } else if (type != "default") {
    fail(ErrorCode::kUnsupported, scaling.where() + ": rope_type",
         "'{}' is not available; known are default, linear, dynamic, yarn, llama3, longrope", type);
  }
}

}  // namespace

ops::RopeSpec rope_spec(const Config& config, std::int64_t head_dim, const RopeDefaults& defaults) {
  const std::optional<Config> scaling = rope_section(config, defaults.layer_type);
  const auto number = [&](std::string_view key, double otherwise, double low, double high) {
    if (scaling && scaling->has(key)) return scaling->require_number(key, low, high);
    return config.number_or(key, otherwise, low, high);
  };
  const double theta = number("rope_theta", defaults.theta, 1e-3, 1e30);
  const double partial = number("partial_rotary_factor", defaults.partial, 0, 1);
  ops::RopeSpec spec{.head_dim = head_dim,
                     .rotary_dim = static_cast<std::int64_t>(static_cast<double>(head_dim) * partial),
                     .interleaved = defaults.interleaved};
  require(spec.rotary_dim > 0 && spec.rotary_dim % 2 == 0, config.where(),
          "rope needs an even part of a head, it is {} of {}", spec.rotary_dim, head_dim);
  spec.inverse_frequencies = ops::default_inverse_frequencies(theta, spec.rotary_dim);
  if (scaling) apply_scaling(spec, config, *scaling, theta);
  return spec;
}

std::int64_t rope_context(const Config& config, std::int64_t max_positions) {
  const std::optional<Config> scaling = rope_section(config);
  const std::string type = scaling ? rope_type(*scaling) : "default";
  if (type != "linear" && type != "yarn") return max_positions;
  const std::int64_t original =
      type == "yarn" ? original_context(config, *scaling) : config.int_or("max_position_embeddings", 0);
  const double stretched = static_cast<double>(original) * scaling->number_or("factor", 1, 1e-6, 1e6);
  return std::clamp(static_cast<std::int64_t>(std::min<double>(stretched, kMaxExtent)), max_positions,
                    kMaxExtent);
}

}  // namespace swiftlet::models
