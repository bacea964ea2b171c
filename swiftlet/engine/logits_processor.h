// Changing a row of logits by what was said before, ahead of the sampler.
//
// The order is that of transformers, with what only other engines have at its place:
//   1. logit bias           logits[token] += bias
//   2. repetition penalty   of every token of prompt and text: positive logits divided, negative multiplied
//                           (Keskar et al., CTRL, 2019)
//   3. presence, frequency  of generated tokens: logit - presence - frequency * count (OpenAI's API)
//   4. no-repeat n-gram     tokens that would complete an n-gram a second time are ruled out (Paulus et al.,
//                           2017)
//   5. DRY                  tokens that would continue a repetition: - multiplier * base^(length - allowed)
//                           (p-e-w, "DRY: a modern repetition penalty", 2024, as in llama.cpp)
//   6. banned words         the last token of a forbidden sequence whose others have just been said
//   7. minimum of tokens    the end tokens are ruled out before
//
// Functions are pure up to the scratch, which belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace swiftlet {

struct LogitsOptions {
  std::vector<std::pair<std::int32_t, float>> bias = {};  // token, what is added; -inf rules it out
  float repetition_penalty = 1;                           // > 0; 1: none
  float presence_penalty = 0, frequency_penalty = 0;      // finite; negative ones ask for repetition
  int penalty_window = 0;                                 // last tokens that count for 2 and 5; 0: all
  int no_repeat_ngram = 0;                                // 0: none
  float dry_multiplier = 0;                               // >= 0; 0: none
  float dry_base = 1.75f;                                 // >= 1
  int dry_allowed_length = 2;                             // >= 1: repetitions up to here cost nothing
  std::vector<std::int32_t> dry_breakers = {};            // tokens, sorted, that no repetition passes
  std::vector<std::vector<std::int32_t>> banned = {};     // sequences of at least one token
  std::int64_t min_new_tokens = 0;

  bool active() const;  // whether process() would change anything
};

// Throws kUsage naming the option that is out of range; `vocabulary` bounds the tokens.
void check(const LogitsOptions& options, std::int64_t vocabulary);

struct LogitsScratch {
  std::vector<float> logits;
  std::vector<std::int32_t> counts;  // [V], zero between calls
  std::vector<std::int32_t> lengths;
};

// The row as it should be sampled: `logits` [V] itself when nothing is active, else a copy in `scratch`,
// valid until the next call. `tokens`: prompt and what was generated, of which the first `prompt` are the
// prompt.
std::span<const float> process(std::span<const float> logits, const LogitsOptions& options,
                               std::span<const std::int32_t> tokens, std::size_t prompt,
                               std::span<const std::int32_t> end_tokens, LogitsScratch& scratch);

}  // namespace swiftlet
