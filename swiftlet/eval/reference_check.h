// Compares what a model computes with a reference dump, layer by layer: the first layer that differs is where
// an import went wrong.
//
// A dump is a safetensors file; i counts its sequences from 0:
//   input_ids.<i>          i32 or i64 [T]
//   hidden.<i>.<layer>     [T, H]   layer 0: the embeddings, n: block n (hidden_states of transformers)
//   last_hidden.<i>        [T, H]   encoders: the same as the last of these
//   logits.<i>             [T, V], or [V] where a head gives one row a sequence
// tools/reference/dump_reference.py writes one from transformers. Tensors that are not there are not
// compared.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "swiftlet/engine/model.h"
#include "swiftlet/reference.h"

namespace swiftlet {

// In the order of the network. Runs all sequences in one batch. Throws kInvalid for a dump without sequences
// or without anything to compare, for shapes and types that do not fit, and for ids that the model does not
// have, naming file and tensor. `fuse` as in CompileOptions.
std::vector<ReferenceDifference> check_reference(const LoadedModel& model, const std::filesystem::path& dump,
                                                 bool fuse = true);

// |a - b| / |b|; 0 where both are zero.
double relative_l2(std::span<const float> a, std::span<const float> b);

}  // namespace swiftlet
