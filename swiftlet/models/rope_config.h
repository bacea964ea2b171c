// What families share about rotary positions: the scalings that a config can ask for, as frequencies.
#pragma once

#include "swiftlet/io/config.h"
#include "swiftlet/ops/rope.h"

namespace swiftlet::models {

// Reads rope_parameters, or rope_theta and rope_scaling of older configs. Rope types: default; linear (Chen
// et al., 2023); dynamic (NTK-aware scaling, which begins beyond max_position_embeddings, where our contexts
// end: up to there it is the default); yarn (Peng et al., 2023); llama3 (Llama 3.1's frequency-dependent
// interpolation). Others throw kUnsupported naming the type.
ops::RopeSpec rope_spec(const Config& config, std::int64_t head_dim);

}  // namespace swiftlet::models
