// DraftModel: a small model that guesses the next tokens of a large one with the same vocabulary (Leviathan
// et al., "Fast inference from transformers via speculative decoding", 2023). Guesses are greedy.
//
// It has a cache of its own, which follows each sequence by itself: whatever of it is not in the cache yet,
// the whole prompt at first, is computed when drafts are wanted. One thread at a time.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "swiftlet/engine/model.h"
#include "swiftlet/engine/paged_cache.h"
#include "swiftlet/engine/step_builder.h"

namespace swiftlet {

// What a draft model has computed of a sequence.
struct DraftState {
  std::unique_ptr<SequenceState> cache;
  std::int64_t computed = 0;  // tokens
  std::int64_t length = 0;    // of the sequence when the last of them was computed

  // Forgets all behind the first `tokens`, which are still those of the sequence.
  void keep(std::int64_t tokens);
  DraftState fork() const;
};

// Throws kInvalid unless ids mean the same to both: the same tokens by their tokenizers; where one has none,
// the same number of them. Throws it also where `draft` is an encoder.
void check_draft_vocabulary(const LoadedModel& draft, const LoadedModel& target);

struct DraftModelOptions {
  std::int64_t max_sequences = 1, context = 0, step_tokens = 256;  // as EngineOptions; of the target
};

class DraftModel {
 public:
  // Throws as check_draft_vocabulary() does.
  DraftModel(std::shared_ptr<LoadedModel> draft, const LoadedModel& target, const DraftModelOptions& options);

  struct Request {
    std::span<const std::int32_t> tokens;  // of the sequence
    std::size_t wanted = 0;                // 0: only to compute the tokens
    DraftState* state = nullptr;
    std::vector<std::int32_t>* drafts = nullptr;  // receives them; empty at first
  };
  // The most drafts that a sequence of `tokens` can get: its own context may be shorter than the target's.
  std::int64_t room(std::int64_t tokens) const { return std::max<std::int64_t>(context_ - tokens, 0); }
  // For all of them at once. REQUIRES: wanted <= room(tokens.size()).
  void draft(std::span<const Request> requests);
  // Seconds that the last draft() took for each further token, and so not for the prompts before; 0: unknown.
  double seconds_per_round() const { return seconds_per_round_; }
  // And what it took before these, to compute what had been said without drafts; 0 where it read a prompt.
  double seconds_catching_up() const { return seconds_catching_up_; }
  // What that would be for a sequence of so many tokens.
  double seconds_to_catch_up(const DraftState& state, std::int64_t tokens) const {
    const std::int64_t late = tokens - 2 - state.computed;  // beside one or two that every first round has
    return state.computed > 0 && late > 0 ? seconds_per_late_token_ * static_cast<double>(late) : 0;
  }

 private:
  bool add(const Request& request, std::int64_t& room);
  std::int32_t next_token(std::size_t row) const;

  std::shared_ptr<LoadedModel> model_;
  std::int64_t context_, step_tokens_;
  std::size_t vocabulary_;  // of both
  std::shared_ptr<const Program> program_;
  Executor executor_;
  PagedCache cache_;
  StepBuilder step_;
  std::vector<std::int32_t> tokens_;                  // of a sequence, that a step computes
  std::vector<std::vector<std::int32_t>*> answered_;  // by output row
  double seconds_per_round_ = 0, seconds_catching_up_ = 0, seconds_per_late_token_ = 0;
};

}  // namespace swiftlet
