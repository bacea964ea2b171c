// What families share about rotary positions: the scalings that a config can ask for, as frequencies.
#pragma once

#include <string_view>

#include "swiftlet/io/config.h"
#include "swiftlet/ops/rope.h"

namespace swiftlet::models {

// What a family takes where its config is silent, and what no config says.
struct RopeDefaults {
  double theta = 10000;
  double partial = 1;           // the part of a head that rotates: partial_rotary_factor
  std::string_view layer_type;  // rope_parameters by kind of layer: "full_attention", "sliding_attention"
  bool interleaved = false;     // pairs of neighbours instead of halves
};

// Reads rope_parameters, or rope_theta, partial_rotary_factor and rope_scaling of older configs. Rope types:
// default; linear (Chen et al., 2023); dynamic (NTK-aware scaling, which begins beyond
// max_position_embeddings, where our contexts end: up to there it is the default); yarn (Peng et al., 2023);
// llama3 (Llama 3.1's frequency-dependent interpolation); longrope (Ding et al., 2024), whose long factors
// hold for sequences beyond the original context. Others throw kUnsupported naming the type.
ops::RopeSpec rope_spec(const Config& config, std::int64_t head_dim, const RopeDefaults& defaults = {});

// Where contexts end: positions that linear and yarn stretch reach as many times further as their factor
// says, also where max_position_embeddings is what the model began with (Qwen2.5, Vicuna).
std::int64_t rope_context(const Config& config, std::int64_t max_positions);

}  // namespace swiftlet::models
