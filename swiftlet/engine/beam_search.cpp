#include "swiftlet/engine/beam_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "swiftlet/core/error.h"
#include "swiftlet/engine/decoding.h"
#include "swiftlet/engine/engine.h"
#include "swiftlet/engine/logits.h"

namespace swiftlet {
namespace {

constexpr int kMostBeams = 256;

struct Beam {
  std::vector<std::int32_t> tokens;  // prompt and generated
  double score = 0;                  // log-probability of what was generated
  std::unique_ptr<SequenceState> state;
};

struct Candidate {
  double score = 0;
  std::size_t beam = 0;
  std::int32_t token = 0;
};

// Of equal ones those of earlier beams and lower tokens come first.
bool is_better(const Candidate& a, const Candidate& b) {
  if (a.score != b.score) return a.score > b.score;
  return std::pair(a.beam, a.token) < std::pair(b.beam, b.token);
}

class Search {
 public:
  Search(const std::shared_ptr<LoadedModel>& model, std::span<const std::int32_t> prompt,
         const BeamOptions& options)
      : model_(*model),
        options_(options),
        prompt_(std::ssize(prompt)),
        limit_(std::min(options.max_new_tokens, choose_context(model_, options.context) - prompt_)),
        ends_(end_tokens_of(model_)),
        program_(engine_program(model_, {.max_sequences = options.beams})),
        executor_(program_, model->weights, model->pool),
        cache_(program_->states, choose_cache_dtype(model_),
               cache_blocks_for(prompt_ + limit_) * options.beams),
        step_(program_) {
    ends_.insert(ends_.end(), options.end_tokens.begin(), options.end_tokens.end());
    running_.push_back({{prompt.begin(), prompt.end()}, 0, cache_.new_sequence()});
  }

  std::vector<Hypothesis> run(const Job& job) {
    const float* logits = read_prompt(job);
    for (std::int64_t length = 1;; ++length) {
      advance(logits, length);
      job.step("generate", length, limit_);
      if (running_.empty() || is_over(length)) break;
      logits = decode(job);
    }
    finished_.resize(std::min(finished_.size(), static_cast<std::size_t>(options_.n_best)));
    return std::move(finished_);
  }

 private:
  // Logits behind the last token of the prompt.
  const float* read_prompt(const Job& job) {
    read(running_.front(), prompt_, OutputRows::kLast, job);
    return static_cast<const float*>(executor_.output_data(0));
  }

  // The first `length` tokens of a beam that holds none, with the outputs of the last of them.
  void read(Beam& beam, std::int64_t length, OutputRows outputs, const Job& job) {
    const std::int64_t chunk = program_->maxima[program_->symbol("tokens")];
    for (std::int64_t done = 0; done < length; done += chunk) {
      job.step("prompt", done, length);
      const std::int64_t count = std::min(chunk, length - done);
      step_.clear();
      SWIFTLET_ASSERT(beam.state->extend(count));
      step_.add(
          std::span(beam.tokens).subspan(static_cast<std::size_t>(done), static_cast<std::size_t>(count)),
          done + count == length ? outputs : OutputRows::kNone, done, beam.state->blocks());
      step_.whole(std::ssize(beam.tokens));
      executor_.run(step_.inputs(cache_.layers()));
    }
  }

  // One row of logits for each running beam.
  const float* decode(const Job& job) {
    turn_anew(job);
    step_.clear();
    for (Beam& beam : running_) {
      const std::int64_t held = beam.state->length();
      SWIFTLET_ASSERT(beam.state->extend(1));
      step_.add(std::span(beam.tokens).last(1), OutputRows::kLast, held, beam.state->blocks());
    }
    executor_.run(step_.inputs(cache_.layers()));
    return static_cast<const float*>(executor_.output_data(0));
  }

  // LongRoPE: the step that takes beams beyond the original context computes all their keys again.
  void turn_anew(const Job& job) {
    const std::int64_t held = running_.front().state->length();
    if (turns_alike(model_, held, held + 1)) return;
    for (Beam& beam : running_) beam.state->truncate(0);
    for (Beam& beam : running_) read(beam, held, OutputRows::kNone, job);
  }

  bool is_end(std::int32_t token) const {
    return !options_.ignore_eos && std::find(ends_.begin(), ends_.end(), token) != ends_.end();
  }

  // The best continuations of all beams, in order.
  std::vector<Candidate> candidates(const float* logits) {
    const auto vocabulary = static_cast<std::size_t>(model_.built.vocab_size);
    // So that as many go on as there are beams, should all others end.
    const std::size_t most =
        std::max<std::size_t>(2, 1 + ends_.size()) * static_cast<std::size_t>(options_.beams);
    std::vector<Candidate> best;
    for (std::size_t b = 0; b < running_.size(); ++b) {
      const std::span<const float> row(logits + b * vocabulary, vocabulary);
      const double normalizer = log_sum_exp(row, "logits");
      logprobs_.resize(vocabulary);
      for (std::size_t i = 0; i < vocabulary; ++i) logprobs_[i] = static_cast<float>(row[i] - normalizer);
      const auto scores = process(logprobs_, options_.logits, running_[b].tokens,
                                  static_cast<std::size_t>(prompt_), ends_, scratch_);
      for (std::size_t i = 0; i < vocabulary; ++i) {
        const Candidate next{running_[b].score + scores[i], b, static_cast<std::int32_t>(i)};
        if (best.size() == most && !is_better(next, best.front())) continue;
        if (!(next.score > -std::numeric_limits<double>::infinity())) continue;
        best.push_back(next);  // a heap whose front is the worst
        std::push_heap(best.begin(), best.end(), is_better);
        if (best.size() <= most) continue;
        std::pop_heap(best.begin(), best.end(), is_better);
        best.pop_back();
      }
    }
    std::sort_heap(best.begin(), best.end(), is_better);
    return best;
  }

  // Every hypothesis gets its `length`-th token.
  void advance(const float* logits, std::int64_t length) {
    const std::vector<Candidate> best = candidates(logits);
    const auto beams = static_cast<std::size_t>(options_.beams);
    const bool full = options_.early_stopping == EarlyStopping::kYes && finished_.size() == beams;
    std::vector<Candidate> next;
    for (std::size_t i = 0; i < best.size(); ++i) {
      const bool ends = is_end(best[i].token);
      if (!ends && length < limit_) {
        if (next.size() < beams) next.push_back(best[i]);
      } else if (i < beams && !full) {
        finish(best[i], length, ends);
      }
    }
    std::stable_sort(finished_.begin(), finished_.end(),
                     [](const Hypothesis& a, const Hypothesis& b) { return a.score > b.score; });
    if (finished_.size() > beams) finished_.resize(beams);
    go_on(next);
  }

  void finish(const Candidate& candidate, std::int64_t length, bool ended) {
    const std::vector<std::int32_t>& tokens = running_[candidate.beam].tokens;
    Hypothesis hypothesis{.tokens = {tokens.begin() + prompt_, tokens.end()},
                          .score = scored(candidate.score, length),
                          .ended = ended};
    if (!ended) hypothesis.tokens.push_back(candidate.token);
    finished_.push_back(std::move(hypothesis));
  }

  // The last child of a beam takes its cache, the others a fork of it.
  void go_on(const std::vector<Candidate>& next) {
    std::vector<int> children(running_.size(), 0);
    for (const Candidate& candidate : next) ++children[candidate.beam];
    for (std::size_t b = 0; b < running_.size(); ++b)
      if (children[b] == 0) running_[b].state.reset();
    std::vector<Beam> beams;
    for (const Candidate& candidate : next) {
      Beam& parent = running_[candidate.beam];
      Beam beam{parent.tokens, candidate.score, nullptr};
      beam.state = --children[candidate.beam] == 0 ? std::move(parent.state) : parent.state->fork();
      beam.tokens.push_back(candidate.token);
      beams.push_back(std::move(beam));
    }
    running_ = std::move(beams);
  }

  bool is_over(std::int64_t length) const {
    if (std::ssize(finished_) < options_.beams) return false;
    if (options_.early_stopping == EarlyStopping::kYes) return true;
    const bool longest = options_.early_stopping == EarlyStopping::kNever && options_.length_penalty > 0;
    return scored(running_.front().score, longest ? limit_ : length) <= finished_.back().score;
  }

  double scored(double logprob, std::int64_t length) const {
    return logprob / std::pow(static_cast<double>(length), options_.length_penalty);
  }

  const LoadedModel& model_;
  const BeamOptions& options_;
  std::int64_t prompt_, limit_;  // tokens; new ones
  std::vector<std::int32_t> ends_;
  std::shared_ptr<const Program> program_;
  Executor executor_;
  PagedCache cache_;
  StepBuilder step_;
  std::vector<Beam> running_;         // the best first; before the cache that their states belong to
  std::vector<Hypothesis> finished_;  // the best first
  std::vector<float> logprobs_;
  LogitsScratch scratch_;
};

}  // namespace

std::vector<Hypothesis> beam_search(const std::shared_ptr<LoadedModel>& model,
                                    std::span<const std::int32_t> prompt, const BeamOptions& options,
                                    const Job& job) {
  check(options.logits, model->built.vocab_size);
  if (options.beams < 1 || options.beams > kMostBeams)
    fail(ErrorCode::kUsage, "beams", "must be 1 to {}, is {}", kMostBeams, options.beams);
  if (options.n_best < 1 || options.n_best > options.beams)
    fail(ErrorCode::kUsage, "samples", "must be 1 to {}, the number of beams, is {}", options.beams,
         options.n_best);
  if (!std::isfinite(options.length_penalty))
    fail(ErrorCode::kUsage, "length_penalty", "must be finite, is {}", options.length_penalty);
  check_prompt(*model, prompt, choose_context(*model, options.context), options.max_new_tokens);
  if (options.max_new_tokens == 0) return {Hypothesis{}};
  return Search(model, prompt, options).run(job);
}

}  // namespace swiftlet
