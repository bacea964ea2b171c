// Where a config.json says how positions rotate: what its readers and writers share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "swiftlet/io/config.h"

namespace swiftlet {

// rope_parameters of the kind of layer, where it tells them apart; else rope_scaling of older configs, or
// rope_parameters, in the order in which transformers looks for them.
std::optional<Config> rope_section(const Config& config, std::string_view layer_type = {});

// rope_type, or type of older configs; "default" where neither is there.
std::string rope_type(const Config& section);

// The context that a scaling was stretched from: what the config says beside the section comes first.
std::int64_t original_context(const Config& config, const Config& section);

// LongRoPE (Ding et al., 2024): by what rotated vectors are longer, from the ratio of the contexts unless the
// section says it.
double longrope_attention_factor(const Config& config, const Config& section);

}  // namespace swiftlet
