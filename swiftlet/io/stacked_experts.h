// Experts that a checkpoint stores in one tensor for each layer, [experts, ...]: a Checkpoint holds a matrix
// [out, in] for every expert and projection, under the names of checkpoints that store them so,
// "....experts.3.gate_proj.weight". Only for swiftlet/io.
#pragma once

#include <string>
#include <string_view>

#include "swiftlet/io/checkpoint.h"

namespace swiftlet {

// "model.layers.0.mlp.experts" and the rest -> "model.layers.0.mlp.experts.3.up_proj.weight"
std::string expert_name(std::string_view list, std::int64_t expert, std::string_view projection,
                        std::string_view end = "weight");

// Splits those of a checkpoint that was read from safetensors: windows of the file's mapping, but for
// gpt-oss, whose matrices lie the other way round with the rows of gate and up in turns, and are copied (with
// `stream` when their bytes are asked for). Throws kInvalid for stacks of other dimensions.
void split_stacked_experts(Checkpoint& checkpoint, bool stream);

// A checkpoint as transformers writes it: of models that are published with stacks, the stacks in the place
// of their experts, put together when their bytes are asked for (with_bytes). Float experts keep their
// format, others become f32. `checkpoint` must outlive the result. Throws kInvalid where an expert of a stack
// is missing or has another shape.
Checkpoint with_stacked_experts(const Checkpoint& checkpoint);

}  // namespace swiftlet
