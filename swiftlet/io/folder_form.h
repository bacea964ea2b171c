// Weights that transformers keeps in another form than a Checkpoint, which holds the matrices of linears as
// [out, in]: those of GPT-2 (its Conv1D: [in, out]) and the convolution of DeBERTa ([out, in / groups,
// size]), which becomes the matrix [out, in * size] over rows that ops/unfold.h put side by side, zeros where
// another group is. Only for swiftlet/io.
#pragma once

#include "swiftlet/io/checkpoint.h"

namespace swiftlet {

// Whether transformers keeps this weight of this model type in a form of its own.
bool has_folder_form(const Config& config, std::string_view name);
// Gives those of a checkpoint that was read from such a folder their own form, each in memory of its own;
// with `stream` when its bytes are asked for. Throws kInvalid for a convolution that does not fit its groups.
void leave_folder_form(Checkpoint& checkpoint, bool stream);

// What the folder holds of a weight: its shape, and the bytes of a row-major one of floats.
Shape folder_shape(const Config& config, const Weight& weight);
Weight folder_form(const Config& config, const Weight& weight);

}  // namespace swiftlet
