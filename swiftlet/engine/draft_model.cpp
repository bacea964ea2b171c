#include "swiftlet/engine/draft_model.h"

#include <algorithm>
#include <chrono>

#include "swiftlet/core/error.h"
#include "swiftlet/engine/decoding.h"
#include "swiftlet/engine/logits.h"

namespace swiftlet {

void check_draft_vocabulary(const LoadedModel& draft, const LoadedModel& target) {
  const std::string& where = draft.checkpoint.source;
  require(draft.built.kind == models::Kind::kDecoder, where, "is an encoder; drafts need a decoder");
  if (!draft.tokenizer || !target.tokenizer) {
    require(draft.built.vocab_size == target.built.vocab_size, where,
            "has {} tokens and {} has {}: a draft model needs the vocabulary of its target",
            draft.built.vocab_size, target.checkpoint.source, target.built.vocab_size);
    return;
  }
  const Tokenizer &own = *draft.tokenizer, &other = *target.tokenizer;
  require(
      own.vocab_size() == other.vocab_size(), where,
      "its tokenizer has {} tokens and that of {} has {}: a draft model needs the vocabulary of its target",
      own.vocab_size(), target.checkpoint.source, other.vocab_size());
  for (std::int32_t id = 0; id < own.vocab_size(); ++id)
    require(own.id_to_token(id) == other.id_to_token(id), where,
            "token {} is '{}', and '{}' in {}: a draft model needs the vocabulary of its target", id,
            own.id_to_token(id).value_or(""), other.id_to_token(id).value_or(""), target.checkpoint.source);
}

void DraftState::keep(std::int64_t tokens) {
  if (computed <= tokens) return;
  cache->truncate(tokens);
  computed = tokens;
}

DraftState DraftState::fork() const {
  return {cache ? cache->fork() : nullptr, computed, length};
}

DraftModel::DraftModel(std::shared_ptr<LoadedModel> draft, const LoadedModel& target,
                       const DraftModelOptions& options)
    : model_((check_draft_vocabulary(*draft, target), std::move(draft))),
      context_(std::min(options.context, model_->built.max_positions)),
      step_tokens_(std::max(options.step_tokens, 2 * options.max_sequences)),
      // Matrices may be padded to more rows than there are tokens, and to another number in the other model.
      vocabulary_(static_cast<std::size_t>(std::min(model_->built.vocab_size, target.built.vocab_size))),
      program_(model_->compile_program({{"tokens", step_tokens_}, {"outputs", options.max_sequences}}, true)),
      executor_(program_, model_->weights, model_->pool),
      cache_(program_->states, choose_cache_dtype(*model_),
             cache_blocks_for(context_) * options.max_sequences),
      step_(program_) {
  tokens_.reserve(static_cast<std::size_t>(context_));
  answered_.reserve(static_cast<std::size_t>(options.max_sequences));
}

// The rows of a sequence that the next step computes; false when it has all that it wants.
bool DraftModel::add(const Request& request, std::int64_t& room) {
  DraftState& state = *request.state;
  const auto length = static_cast<std::int64_t>(request.tokens.size() + request.drafts->size());
  if (request.drafts->size() == request.wanted && (request.wanted > 0 || state.computed == length))
    return false;
  if (room == 0) return true;
  if (!state.cache) state.cache = cache_.new_sequence();
  if (!turns_alike(*model_, state.length, length)) state.keep(0);
  state.length = length;
  const std::int64_t count = std::min(length - state.computed, room);
  tokens_.clear();
  for (std::int64_t i = state.computed; i < state.computed + count; ++i) {
    const auto at = static_cast<std::size_t>(i), drafted = at - request.tokens.size();
    const std::int32_t id = at < request.tokens.size() ? request.tokens[at] : (*request.drafts)[drafted];
    // An id that no tokenizer makes may mean something to the target alone.
    tokens_.push_back(static_cast<std::size_t>(id) < vocabulary_ ? id : 0);
  }
  SWIFTLET_ASSERT(state.cache->extend(count));
  const bool last = count == length - state.computed && request.wanted > 0;
  step_.add(tokens_, last ? OutputRows::kLast : OutputRows::kNone, state.computed, state.cache->blocks());
  step_.whole(length);
  if (last) answered_.push_back(request.drafts);
  state.computed += count;
  room -= count;
  return true;
}

std::int32_t DraftModel::next_token(std::size_t row) const {
  const auto width = static_cast<std::size_t>(model_->built.vocab_size);
  const auto* logits = static_cast<const float*>(executor_.output_data(0)) + row * width;
  return static_cast<std::int32_t>(top_logit({logits, vocabulary_}, "draft model"));
}

void DraftModel::draft(std::span<const Request> requests) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](Clock::duration time) { return std::chrono::duration<double>(time).count(); };
  const bool reads = std::any_of(requests.begin(), requests.end(),
                                 [](const Request& request) { return request.state->computed == 0; });
  std::int64_t rounds = 0, late_tokens = 0;
  const auto start = Clock::now();
  auto begin = start;
  while (true) {
    step_.clear();
    answered_.clear();
    std::int64_t room = step_tokens_;
    bool busy = false;
    for (const Request& request : requests) busy |= add(request, room);
    if (!busy) break;
    executor_.run(step_.inputs(cache_.layers()));
    for (std::size_t row = 0; row < answered_.size(); ++row) answered_[row]->push_back(next_token(row));
    // Prompts, or what was said without drafts, make the first rounds long.
    if (step_.tokens() > 2 * std::ssize(requests))
      begin = Clock::now(), late_tokens += step_.tokens(), rounds = 0;
    else
      ++rounds;
  }
  if (late_tokens > 0) seconds_per_late_token_ = seconds(begin - start) / double(late_tokens);
  seconds_catching_up_ = reads ? 0 : seconds(begin - start);
  if (rounds > 0) seconds_per_round_ = seconds(Clock::now() - begin) / double(rounds);
}

}  // namespace swiftlet
