// GPT-2 keeps the weights of its linears as [in, out] (transformers' Conv1D); a Checkpoint holds all of them
// as [out, in]. Only for swiftlet/io.
#pragma once

#include "swiftlet/io/checkpoint.h"

namespace swiftlet {

// Whether transformers keeps this weight of this model type the other way round.
bool is_conv1d(const Config& config, std::string_view name);
// Turns those of a checkpoint that was read from safetensors, each into memory of its own; with `stream` when
// its bytes are asked for.
void transpose_conv1d(Checkpoint& checkpoint, bool stream);
// A row-major float matrix with rows and columns exchanged.
Weight transposed(const Weight& weight);

}  // namespace swiftlet
