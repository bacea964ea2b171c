#include "swiftlet/io/rope_section.h"

#include <cmath>

namespace swiftlet {

std::optional<Config> rope_section(const Config& config, std::string_view layer_type) {
  const std::optional<Config> parameters = config.section("rope_parameters");
  if (parameters && !layer_type.empty())
    if (std::optional<Config> own = parameters->section(layer_type)) return own;
  const std::optional<Config> scaling = config.section("rope_scaling");
  return !parameters || (scaling && !scaling->empty()) ? scaling : parameters;
}

std::string rope_type(const Config& section) {
  const std::string type = section.string_or("rope_type", section.string_or("type", "default"));
  return type == "su" ? "longrope" : type;  // the first name, of Phi-3's early checkpoints
}

std::int64_t original_context(const Config& config, const Config& section) {
  const char* key = "original_max_position_embeddings";
  const std::int64_t own =
      section.has(key) ? section.require_int(key, 2) : config.require_int("max_position_embeddings", 2);
  return config.has(key) ? config.require_int(key, 2) : own;
}

double longrope_attention_factor(const Config& config, const Config& section) {
  const auto original = static_cast<double>(original_context(config, section));
  const auto longest = static_cast<double>(config.require_int("max_position_embeddings", 1));
  const double factor = section.number_or("factor", longest / original, 1e-6, 1e6);
  const double inferred = factor <= 1 ? 1 : std::sqrt(1 + std::log(factor) / std::log(original));
  return section.number_or("attention_factor", inferred, 1e-6, 1e6);
}

}  // namespace swiftlet
