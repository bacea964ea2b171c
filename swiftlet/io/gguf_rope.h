// Rotary positions in the metadata of GGUF files. Only for gguf_model.
#pragma once

#include "swiftlet/io/gguf_metadata.h"
#include "swiftlet/io/gguf_model.h"

namespace swiftlet {

// rope_theta, rope_scaling and partial_rotary_factor of a config.json, from rope.* and from the tensors
// rope_freqs, rope_factors_long and rope_factors_short. `head_dim`: elements of a head.
void read_gguf_rope(const GgufKeys& keys, std::int64_t head_dim, nlohmann::json& config);

// The way back. Rotations that stretch only beyond the context ("dynamic") are left out. Throws kUnsupported
// for types that the format does not have.
void write_gguf_rope(GgufModelWriter& writer, std::int64_t head_dim, const GgufRopeDefaults& defaults = {});

}  // namespace swiftlet
