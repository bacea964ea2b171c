#include "swiftlet/engine/decoding.h"

#include <algorithm>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

constexpr std::int64_t kDefaultContext = 2048;  // what a cache is sized for when nobody asked for more

}  // namespace

std::int64_t choose_context(const LoadedModel& model, std::int64_t wanted) {
  const std::int64_t most = model.built.max_positions;
  require(wanted <= most, model.checkpoint.source, "a context of {} tokens is more than the model's {}",
          wanted, most);
  return wanted > 0 ? wanted : std::min(most, kDefaultContext);
}

DType choose_cache_dtype(const LoadedModel& model) {
  if (model.options.cache) return *model.options.cache;
  if (model.options.precision == Arithmetic::kF32) return DType::kF32;
  return has_narrow_matrix(*model.weights) ? DType::kBF16 : DType::kF32;
}

void check_prompt(const LoadedModel& model, std::span<const std::int32_t> prompt, std::int64_t context,
                  std::int64_t max_new_tokens) {
  require(max_new_tokens >= 0, "max_new_tokens", "must not be negative, is {}", max_new_tokens);
  model.check_ids(prompt);
  const std::int64_t length = std::ssize(prompt);
  require(length >= 1 && length < context, "prompt",
          "has {} tokens; the context holds {} with at least one new token", length, context);
}

bool turns_alike(const LoadedModel& model, std::int64_t before, std::int64_t after) {
  const std::int64_t most = model.built.short_context;
  return most == 0 || (before > most) == (after > most);
}

std::vector<std::int32_t> end_tokens_of(const LoadedModel& model) {
  std::vector<std::int32_t> ends;
  for (const std::int64_t id : model.checkpoint.generation.eos_token_ids)
    ends.push_back(static_cast<std::int32_t>(id));
  if (ends.empty() && model.tokenizer && model.tokenizer->special().eos >= 0)
    ends.push_back(model.tokenizer->special().eos);
  return ends;
}

}  // namespace swiftlet
