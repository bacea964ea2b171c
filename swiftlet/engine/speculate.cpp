#include "swiftlet/engine/speculate.h"

#include <algorithm>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

constexpr double kFirstRoundCost = 0.2;  // of a plain step, while the draft model was not timed
constexpr DraftRecord::Rates kLookupRates{0.4, 0.6, 0.8, 0.9}, kModelRates{0.7, 0.7, 0.7, 0.7};

}  // namespace

Speculator::Speculator(std::shared_ptr<LoadedModel> draft, const LoadedModel& target,
                       const DraftModelOptions& options, std::int64_t draft_tokens)
    : draft_tokens_(draft_tokens), costs_(options.max_sequences * (1 + draft_tokens)) {
  if (draft) model_.emplace(std::move(draft), target, options);
  requests_.reserve(static_cast<std::size_t>(options.max_sequences));
}

void Speculator::check(const SpeculationOptions& options) const {
  if (options.draft_tokens < 0 || options.draft_tokens > draft_tokens_)
    fail(ErrorCode::kUsage, "draft_tokens", "must be 0 to {}, is {}", draft_tokens_, options.draft_tokens);
  if (options.source == DraftSource::kModel && !model_)
    fail(ErrorCode::kUsage, "speculate", "there is no draft model");
}

void Speculator::begin(Speculation& sequence, const SpeculationOptions& options,
                       std::span<const std::int32_t> prompt, std::int64_t tokens) const {
  sequence.options = options;
  if (options.draft_tokens == 0) sequence.options.draft_tokens = draft_tokens_;
  sequence.drafts.reserve(static_cast<std::size_t>(draft_tokens_));
  sequence.record = DraftRecord(options.source == DraftSource::kModel ? kModelRates : kLookupRates);
  if (options.source != DraftSource::kLookup) return;
  sequence.lookup.reserve(static_cast<std::size_t>(tokens));
  sequence.lookup.add(prompt);
}

void Speculator::read(Speculation& sequence, std::span<const std::int32_t> prompt) {
  if (sequence.options.source != DraftSource::kModel || model_->room(std::ssize(prompt)) == 0) return;
  const DraftModel::Request request{prompt, 0, &sequence.model, &sequence.drafts};
  model_->draft({&request, 1});
}

void Speculator::begin_step(std::int64_t sequences) {
  plan_ = StepPlan(sequences);
  requests_.clear();
}

void Speculator::propose(Speculation& sequence, std::span<const std::int32_t> tokens, std::int64_t most) {
  const SpeculationOptions& options = sequence.options;
  const bool by_model = options.source == DraftSource::kModel;
  if (options.source == DraftSource::kNone) return;
  most = std::min(most, options.draft_tokens);
  PromptLookup::Match match;
  if (by_model)
    most = std::min(most, model_->room(std::ssize(tokens)));
  else if (match = sequence.lookup.find(); match.length == 0)
    return;
  if (most <= 0) return;
  sequence.evidence = match.length;
  std::int64_t count = most;
  double late = 0;
  if (by_model) {
    late = model_->seconds_to_catch_up(sequence.model, std::ssize(tokens));
    plan_.round_seconds = model_->seconds_per_round();
    if (plan_.round_seconds == 0) plan_.round_seconds = kFirstRoundCost * costs_.seconds(1);
  }
  if (options.adaptive)
    count = plan_.choose(costs_, sequence.record, match.length, most, late);
  else
    plan_.rows += most;
  if (count == 0) return;
  if (by_model)
    requests_.push_back({tokens, static_cast<std::size_t>(count), &sequence.model, &sequence.drafts});
  else
    sequence.lookup.continuation(match, static_cast<std::size_t>(count), sequence.drafts);
}

void Speculator::draft() {
  if (requests_.empty()) return;
  model_->draft(requests_);
  plan_.late_seconds = model_->seconds_catching_up();
}

void Speculator::verified(Speculation& sequence, std::span<const std::int32_t> tokens,
                          std::int64_t accepted) const {
  if (sequence.options.source == DraftSource::kNone) return;
  const std::int64_t drafts = std::ssize(sequence.drafts);
  if (sequence.options.source == DraftSource::kLookup)
    sequence.lookup.add(tokens.last(static_cast<std::size_t>(accepted + 1)));
  sequence.model.keep(std::ssize(tokens) - 1);
  sequence.record.verified(sequence.evidence, drafts, accepted);
  if (plan_.sequences > 0) sequence.record.pay(plan_.gain(costs_, drafts, accepted));
  sequence.drafts.clear();
}

}  // namespace swiftlet
