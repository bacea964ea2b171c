// What engines that decode share: how long a context may be, how its cache is kept, where answers end.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "swiftlet/engine/model.h"

namespace swiftlet {

// `wanted` tokens, or for 0 what the model allows, at most 2048. Throws kInvalid for more than the model has.
std::int64_t choose_context(const LoadedModel& model, std::int64_t wanted);

// Unless asked for: the reference keeps everything in f32; else the cache has the width of the weights, at
// most 16 bits where they have.
DType choose_cache_dtype(const LoadedModel& model);

// Throws kInvalid for ids that the model does not have, for a prompt that leaves no room in the context, and
// for a negative number of new tokens.
void check_prompt(const LoadedModel& model, std::span<const std::int32_t> prompt, std::int64_t context,
                  std::int64_t max_new_tokens);

// Whether keys of a sequence of `before` tokens do for one that has `after`: not where only one of them is
// beyond the context up to which the model turns them by its short factors.
bool turns_alike(const LoadedModel& model, std::int64_t before, std::int64_t after);

// Those of the checkpoint, or else of the tokenizer.
std::vector<std::int32_t> end_tokens_of(const LoadedModel& model);

}  // namespace swiftlet
