// Where a config.json says how positions rotate: what its readers and writers share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "swiftlet/io/config.h"

namespace swiftlet {

// rope_parameters (of the kind of layer, where it tells them apart), or rope_scaling of older configs.
std::optional<Config> rope_section(const Config& config, std::string_view layer_type = {});

// rope_type, or type of older configs; "default" where neither is there.
std::string rope_type(const Config& section);

// The context that a longrope was stretched from.
std::int64_t original_context(const Config& config, const Config& section);

// LongRoPE (Ding et al., 2024): by what rotated vectors are longer, from the ratio of the contexts unless the
// section says it.
double longrope_attention_factor(const Config& config, const Config& section);

}  // namespace swiftlet
