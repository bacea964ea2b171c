// What engines that decode share: how long a context may be, how its cache is kept, where answers end.
#pragma once

#include <cstdint>
#include <vector>

#include "swiftlet/engine/model.h"

namespace swiftlet {

// `wanted` tokens, or for 0 what the model allows, at most 2048. Throws kInvalid for more than the model has.
std::int64_t choose_context(const LoadedModel& model, std::int64_t wanted);

// Unless asked for: the reference keeps everything in f32; else the cache has the width of the weights, at
// most 16 bits where they have.
DType choose_cache_dtype(const LoadedModel& model);

// Those of the checkpoint, or else of the tokenizer.
std::vector<std::int32_t> end_tokens_of(const LoadedModel& model);

}  // namespace swiftlet
