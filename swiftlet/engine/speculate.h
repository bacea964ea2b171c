// Speculative decoding: several tokens a step. Drafts of the next tokens are cheap guesses; one step computes
// the logits behind all of them, and as many are kept as the model would have chosen itself (Leviathan et
// al., 2023; Chen et al., "Accelerating large language model decoding with speculative sampling", 2023).
//
// The text is the same as without, sampled or not. Each position is chosen from its own logits, by all
// processors and the sampler, with its own random number, which is a function of (seed, sample, position); a
// draft counts only where it is the token so chosen. So samples have the right distribution because they are
// the same samples. Drafts here are single guesses q(x) = 1, and for those the rejection rule of Leviathan et
// al. accepts x with the probability p(x) as well: nothing is lost.
//
// One thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "swiftlet/engine/draft_length.h"
#include "swiftlet/engine/draft_model.h"
#include "swiftlet/engine/prompt_lookup.h"

namespace swiftlet {

enum class DraftSource : std::uint8_t { kNone, kLookup, kModel };

struct SpeculationOptions {
  DraftSource source = DraftSource::kNone;
  std::int64_t draft_tokens = 0;  // at a time, at most; 0: what the engine has room for
  bool adaptive = true;           // false: always as many as there are
};

// What a sequence has of it.
struct Speculation {
  SpeculationOptions options;
  std::vector<std::int32_t> drafts;  // for the next step
  std::size_t evidence = 0;          // for the first of them; see DraftRecord
  DraftRecord record;
  PromptLookup lookup;
  DraftState model;
};

class Speculator {
 public:
  // `draft`: null without a draft model. Throws as DraftModel does.
  Speculator(std::shared_ptr<LoadedModel> draft, const LoadedModel& target, const DraftModelOptions& options,
             std::int64_t draft_tokens);

  // Throws kUsage for what this engine was not made for.
  void check(const SpeculationOptions& options) const;
  // A sequence that begins with `prompt` and has at most `tokens` in all.
  void begin(Speculation& sequence, const SpeculationOptions& options, std::span<const std::int32_t> prompt,
             std::int64_t tokens) const;
  // Has the draft model compute the prompt, so that samples can share it.
  void read(Speculation& sequence, std::span<const std::int32_t> prompt);

  // For each step of sequences that all decode: begin_step(), for each sequence propose(), draft(); then the
  // step, measured(), and for each sequence that goes on verified().
  void begin_step(std::int64_t sequences);
  // At most `most` drafts behind `tokens`. Both live until draft().
  void propose(Speculation& sequence, std::span<const std::int32_t> tokens, std::int64_t most);
  void draft();
  void measured(double seconds) { costs_.measured(plan_.rows, seconds); }
  // `tokens`: with the new ones; the first `accepted` drafts are among them.
  void verified(Speculation& sequence, std::span<const std::int32_t> tokens, std::int64_t accepted) const;

 private:
  std::int64_t draft_tokens_;
  std::optional<DraftModel> model_;
  StepCosts costs_;
  StepPlan plan_{0};
  std::vector<DraftModel::Request> requests_;
};

}  // namespace swiftlet
