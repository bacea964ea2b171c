#include "swiftlet/engine/engine.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <utility>

#include "swiftlet/core/error.h"
#include "swiftlet/core/rng.h"
#include "swiftlet/engine/decoding.h"
#include "swiftlet/engine/logits.h"
#include "swiftlet/engine/prompt_cache.h"

namespace swiftlet {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

TokenLogprobs logprobs_of(std::span<const float> logits, std::int32_t token, int count) {
  const double normalizer = log_sum_exp(logits, "logits");
  const auto logprob = [&](std::size_t id) { return static_cast<float>(logits[id] - normalizer); };
  TokenLogprobs result{logprob(static_cast<std::size_t>(token)), {}};
  if (count == 0) return result;
  std::vector<std::int32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  const auto end = ids.begin() + std::min<std::ptrdiff_t>(count, std::ssize(ids));
  std::partial_sort(ids.begin(), end, ids.end(), [&](std::int32_t a, std::int32_t b) {
    const float x = logits[static_cast<std::size_t>(a)], y = logits[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  });
  for (auto id = ids.begin(); id != end; ++id)
    result.top.emplace_back(*id, logprob(static_cast<std::size_t>(*id)));
  return result;
}

// The most rows of a step in which all sequences decode, and of any step.
std::int64_t decode_rows(const EngineOptions& options) {
  return options.max_sequences * (1 + options.draft_tokens);
}
std::int64_t step_rows(const EngineOptions& options) {
  return std::max(options.step_tokens, decode_rows(options));
}

constexpr std::size_t kBytesPerToken = 8;  // of text, more than most languages need

}  // namespace

std::shared_ptr<const Program> engine_program(const LoadedModel& model, const EngineOptions& options) {
  if (model.built.kind != models::Kind::kDecoder)
    fail(ErrorCode::kUnsupported, model.checkpoint.source, "is an encoder; generation needs a decoder");
  return model.compile_program({{"tokens", step_rows(options)}, {"outputs", decode_rows(options)}}, true);
}

struct Engine::Sequence {
  std::int64_t number = 0;
  std::vector<std::int32_t> tokens;  // prompt and generated
  GenerationOptions options;
  OnText on_text;
  StopStrings stop;
  std::optional<StreamDecoder> decoder;  // none without a tokenizer
  std::vector<std::int32_t> ends;        // tokens that end it
  std::unique_ptr<SequenceState> state;
  std::int64_t computed = 0;  // tokens whose keys and values are in the cache
  std::int64_t length = 0;    // of the sequence when the last of them was computed
  std::uint64_t sample = 0;   // among those of one prompt
  SamplerState sampler;
  Speculation speculation;
  std::vector<std::unique_ptr<Sequence>> others;  // samples that begin once the prompt has been read
  GenerationResult result;
  Clock::time_point begin = Clock::now();
  bool finished = false;

  explicit Sequence(std::vector<std::string> stops) : stop(std::move(stops)) {}
  // The text that a token completes.
  std::string text_of(std::int32_t token) { return decoder ? decoder->push(token) : std::string(); }
  // Room for all that generation will add, so that a step of decoding allocates nothing.
  void reserve() {
    const auto most = static_cast<std::size_t>(options.max_new_tokens);
    tokens.reserve(tokens.size() + most);
    result.tokens.reserve(most);
    if (options.logprobs >= 0) result.logprobs.reserve(most);
    result.text.reserve(most * kBytesPerToken);
  }
  std::int64_t pending() const { return static_cast<std::int64_t>(tokens.size()) - computed; }
  std::int64_t new_tokens() const { return static_cast<std::int64_t>(result.tokens.size()); }
};

Engine::Engine(std::shared_ptr<LoadedModel> model, const EngineOptions& options)
    : model_(std::move(model)),
      options_(options),
      context_(choose_context(*model_, options.context)),
      program_(engine_program(*model_, options)),
      executor_(program_, model_->weights, model_->pool),
      cache_(program_->states, choose_cache_dtype(*model_),
             cache_blocks_for(context_) * options.max_sequences),
      step_(program_),
      end_tokens_(end_tokens_of(*model_)) {
  options_.context = context_;
  running_.reserve(static_cast<std::size_t>(options.max_sequences));
  sampled_.reserve(static_cast<std::size_t>(options.max_sequences));
  if (options.draft_tokens > 0)
    speculator_.emplace(options.draft_model, *model_,
                        DraftModelOptions{options.max_sequences, context_, options.step_tokens},
                        options.draft_tokens);
}

Engine::~Engine() {
  running_.clear();  // before the cache that their states belong to
  kept_.reset();
  waiting_.clear();
}

// REQUIRES: what submit() checks.
std::unique_ptr<Engine::Sequence> Engine::make_sequence(const std::vector<std::int32_t>& prompt,
                                                        const GenerationOptions& options, OnText on_text,
                                                        std::uint64_t sample) {
  const auto length = static_cast<std::int64_t>(prompt.size());
  auto sequence = std::make_unique<Sequence>(options.stop);
  if (model_->tokenizer || on_text || !options.stop.empty())
    sequence->decoder.emplace(model_->require_tokenizer());
  sequence->number = next_number_++;
  sequence->sample = sample;
  sequence->options = options;
  sequence->options.max_new_tokens = std::min(options.max_new_tokens, context_ - length);
  sequence->sampler = SamplerState(options.sampling);
  sequence->ends = end_tokens_;
  sequence->ends.insert(sequence->ends.end(), options.end_tokens.begin(), options.end_tokens.end());
  sequence->on_text = std::move(on_text);
  for (std::int32_t id : prompt) sequence->text_of(id);  // the text continues the prompt's
  sequence->tokens = prompt;
  sequence->reserve();
  if (speculator_)
    speculator_->begin(sequence->speculation, options.speculation, prompt,
                       length + sequence->options.max_new_tokens);
  sequence->result.prompt_tokens = length;
  return sequence;
}

std::int64_t Engine::submit(std::vector<std::int32_t> prompt, const GenerationOptions& options,
                            OnText on_text) {
  check(options.sampling);
  check(options.logits, model_->built.vocab_size);
  if (speculator_)
    speculator_->check(options.speculation);
  else if (options.speculation.source != DraftSource::kNone)
    fail(ErrorCode::kUsage, "speculate", "the engine was made without room for drafts");
  if (options.samples < 1 || options.samples > options_.max_sequences)
    fail(ErrorCode::kUsage, "samples", "must be 1 to {}, is {}", options_.max_sequences, options.samples);
  if (options.samples > 1 && on_text)
    fail(ErrorCode::kUsage, "samples", "only one answer can be streamed, not {}", options.samples);
  check_prompt(*model_, prompt, context_, options.max_new_tokens);
  auto sequence = make_sequence(prompt, options, std::move(on_text), 0);
  for (int sample = 1; sample < options.samples; ++sample)
    sequence->others.push_back(make_sequence(prompt, options, {}, static_cast<std::uint64_t>(sample)));
  const std::int64_t number = sequence->number;
  if (sequence->options.max_new_tokens == 0) {
    for (const auto& other : sequence->others) finish(*other, FinishReason::kLength);
    finish(*sequence, FinishReason::kLength);
  } else {
    waiting_.push_back(std::move(sequence));
  }
  return number;
}

// Of the cache, for all that the sequence and the samples after it may become.
std::int64_t Engine::blocks_of(const Sequence& sequence) const {
  const std::int64_t own = cache_blocks_for(sequence.result.prompt_tokens + sequence.options.max_new_tokens);
  return own * (1 + std::ssize(sequence.others));
}

// Starts waiting sequences while there is room for all of their tokens, so none has to be evicted later.
void Engine::admit() {
  while (!waiting_.empty()) {
    Sequence& next = *waiting_.front();
    std::int64_t sequences = 1 + std::ssize(next.others), blocks = blocks_of(next);
    for (const auto& sequence : running_) {
      sequences += 1 + std::ssize(sequence->others);
      blocks += blocks_of(*sequence);
    }
    if (sequences > options_.max_sequences || blocks > cache_.total_blocks()) return;
    reuse_kept(next);
    if (!next.state) next.state = cache_.new_sequence();
    next.begin = Clock::now();
    running_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

// What was kept goes to the sequence that begins with it, and away before any other: its blocks are not
// counted as taken.
void Engine::reuse_kept(Sequence& sequence) {
  std::optional<Kept> kept = std::exchange(kept_, std::nullopt);
  if (!kept || !sequence.options.keep_state) return;
  const auto differs =
      std::mismatch(kept->tokens.begin(), kept->tokens.end(), sequence.tokens.begin(), sequence.tokens.end());
  // At least one token is computed anew: its logits are wanted.
  const std::int64_t same =
      std::min<std::int64_t>(differs.first - kept->tokens.begin(), std::ssize(sequence.tokens) - 1);
  if (same <= 0 || !turns_alike(*model_, kept->length, std::ssize(sequence.tokens))) return;
  kept->state->truncate(same);
  sequence.state = std::move(kept->state);
  sequence.computed = same;
  sequence.length = kept->length;
  sequence.speculation.model = std::move(kept->draft);
  sequence.speculation.model.keep(same);
  sequence.result.reused_tokens = same;
}

void Engine::save_kept(const std::filesystem::path& path, std::int64_t tokens) const {
  SWIFTLET_ASSERT(tokens >= 1 && tokens <= kept_tokens());
  write_prompt_cache(path, prompt_cache_kind(*model_, cache_), cache_,
                     std::span(kept_->tokens).first(static_cast<std::size_t>(tokens)), kept_->length,
                     kept_->state->blocks());
}

void Engine::load_kept(const std::filesystem::path& path) {
  SWIFTLET_ASSERT(running_.empty());
  PromptCacheFile file = parse_prompt_cache(SafetensorsFile::open(path), prompt_cache_kind(*model_, cache_));
  if (std::ssize(file.tokens) > context_) file.tokens.resize(static_cast<std::size_t>(context_));
  kept_.reset();  // its blocks are needed
  std::unique_ptr<SequenceState> state = cache_.new_sequence();
  SWIFTLET_ASSERT(state->extend(std::ssize(file.tokens)));
  const std::vector<PagedCache::BlockBytes> bytes = cache_.block_bytes();
  for (std::size_t layer = 0; layer < bytes.size(); ++layer)
    for (std::size_t i = 0; i < state->blocks().size(); ++i)
      cache_.fill(layer, state->blocks()[i],
                  file.keys[layer].bytes().subspan(i * bytes[layer].keys, bytes[layer].keys),
                  file.values[layer].bytes().subspan(i * bytes[layer].values, bytes[layer].values));
  kept_ = Kept{std::move(file.tokens), std::move(state), file.length};
}

// LongRoPE: beyond the original context all keys turn otherwise, so they are computed again, once.
void Engine::turn_anew(Sequence& sequence) {
  const std::int64_t length = std::ssize(sequence.tokens);
  if (sequence.computed > 0 && !turns_alike(*model_, sequence.length, length)) {
    sequence.state->truncate(0);
    sequence.computed = 0;
  }
  sequence.length = length;
}

// Drafts for the next step, where all sequences decode; false elsewhere: beside the rows of a prompt they
// would save little, and nobody could tell what they cost.
bool Engine::draft() {
  if (!speculator_) return false;
  const bool decoding = std::all_of(running_.begin(), running_.end(),
                                    [](const auto& sequence) { return sequence->pending() == 1; });
  speculator_->begin_step(decoding ? std::ssize(running_) : 0);
  if (!decoding) return false;
  for (const auto& sequence : running_)
    speculator_->propose(sequence->speculation, sequence->tokens, most_drafts(*sequence));
  speculator_->draft();
  return true;
}

// A step yields a token more than are accepted. None of its rows may lie beyond the context up to which the
// model turns all keys by its short factors, where the first does not. Samples that begin with this step
// share what it computes, which is to be the prompt alone.
std::int64_t Engine::most_drafts(const Sequence& sequence) const {
  if (!sequence.others.empty()) return 0;
  const std::int64_t length = std::ssize(sequence.tokens), most = model_->built.short_context;
  const std::int64_t room = sequence.options.max_new_tokens - sequence.new_tokens() - 1;
  return length <= most ? std::min(room, most - length) : room;
}

// The next `count` tokens, and with the last of them the drafts.
void Engine::add_rows(Sequence& sequence, std::int64_t count) {
  const std::vector<std::int32_t>& drafts = sequence.speculation.drafts;
  const bool last = count == sequence.pending();
  const std::int64_t rows = count + std::ssize(drafts);
  SWIFTLET_ASSERT(sequence.state->extend(rows));
  sequence.tokens.insert(sequence.tokens.end(), drafts.begin(), drafts.end());
  step_.add(std::span(sequence.tokens)
                .subspan(static_cast<std::size_t>(sequence.computed), static_cast<std::size_t>(rows)),
            !drafts.empty() ? OutputRows::kAll
            : last          ? OutputRows::kLast
                            : OutputRows::kNone,
            sequence.computed, sequence.state->blocks());
  step_.whole(std::ssize(sequence.tokens));
  sequence.tokens.resize(sequence.tokens.size() - drafts.size());
  sequence.computed += count;
  if (last) sampled_.push_back(&sequence);
}

void Engine::build_step() {
  step_.clear();
  sampled_.clear();
  std::int64_t room = step_rows(options_);
  // Decoding sequences come first: they need one row each and somebody waits for them.
  for (const bool decoding : {true, false}) {
    for (const auto& sequence : running_) {
      if (sequence->pending() == 0 || (sequence->pending() == 1) != decoding || room == 0) continue;
      const std::int64_t count = std::min(sequence->pending(), room);
      add_rows(*sequence, count);
      room -= count + std::ssize(sequence->speculation.drafts);
    }
  }
}

bool Engine::step(const Job& job) {
  if (job.cancelled()) cancel_all();
  admit();
  if (running_.empty()) return false;
  for (const auto& sequence : running_) turn_anew(*sequence);
  const bool decodes = draft();
  build_step();
  const Clock::time_point begin = Clock::now();
  executor_.run(step_.inputs(cache_.layers()));
  if (decodes) speculator_->measured(seconds_since(begin));
  const auto* logits = static_cast<const float*>(executor_.output_data(0));
  const auto vocabulary = static_cast<std::size_t>(model_->built.vocab_size);
  for (Sequence* sequence : sampled_) {
    const std::size_t values = (1 + sequence->speculation.drafts.size()) * vocabulary;
    verify(*sequence, {logits, values});
    logits += values;
  }
  std::erase_if(running_, [](const auto& sequence) { return sequence->finished; });
  return !running_.empty() || !waiting_.empty();
}

// A draft counts where it is the token that its place gets: then the next row was computed behind the right
// tokens. What was computed behind a wrong one is forgotten. `rows` [1 + drafts, V].
void Engine::verify(Sequence& sequence, std::span<const float> rows) {
  Speculation& speculation = sequence.speculation;
  const std::vector<std::int32_t>& drafts = speculation.drafts;
  const std::size_t vocabulary = rows.size() / (1 + drafts.size());
  if (!sequence.others.empty()) start_samples(sequence, rows);
  sequence.result.drafted_tokens += std::ssize(drafts);
  std::size_t accepted = 0;
  while (true) {
    sequence.computed = std::ssize(sequence.tokens);
    const auto row = rows.subspan(accepted * vocabulary, vocabulary);
    if (accepted == drafts.size()) {
      accept(sequence, row);
      break;
    }
    accept(sequence, row, drafts[accepted]);
    if (sequence.finished || sequence.tokens.back() != drafts[accepted]) break;
    ++accepted;
  }
  if (sequence.finished || !speculator_) return;
  sequence.state->truncate(sequence.computed);
  speculator_->verified(speculation, sequence.tokens, static_cast<std::int64_t>(accepted));
}

// The other samples of a prompt share what it left in the cache and choose from the same logits.
void Engine::start_samples(Sequence& first, std::span<const float> logits) {
  if (speculator_) speculator_->read(first.speculation, first.tokens);
  for (std::unique_ptr<Sequence>& other : std::exchange(first.others, {})) {
    other->state = first.state->fork();
    other->computed = first.computed;
    other->length = first.length;
    other->speculation.model = first.speculation.model.fork();
    other->begin = first.begin;
    running_.push_back(std::move(other));
    verify(*running_.back(), logits);
  }
}

// `draft`: what was guessed for this place.
void Engine::accept(Sequence& sequence, std::span<const float> logits, std::optional<std::int32_t> draft) {
  GenerationResult& result = sequence.result;
  if (result.tokens.empty()) result.prefill_seconds = seconds_since(sequence.begin);
  const SamplingOptions& sampling = sequence.options.sampling;
  const auto row = process(logits, sequence.options.logits, sequence.tokens,
                           static_cast<std::size_t>(result.prompt_tokens), sequence.ends, logits_scratch_);
  const double draw = uniform(sampling.seed, sequence.sample, sequence.tokens.size());
  const std::int32_t token = sample(row, sampling, draw, scratch_, sequence.sampler);
  if (token == draft) ++result.accepted_tokens;
  const bool ends = std::find(sequence.ends.begin(), sequence.ends.end(), token) != sequence.ends.end();
  if (ends && !sequence.options.ignore_eos) return flush(sequence, FinishReason::kStop);
  sequence.tokens.push_back(token);
  result.tokens.push_back(token);
  if (sequence.options.logprobs >= 0)
    result.logprobs.push_back(logprobs_of(logits, token, sequence.options.logprobs));
  const StopStrings::Result text = sequence.stop.feed(sequence.text_of(token));
  emit(sequence, text.text);
  if (text.stopped) return finish(sequence, FinishReason::kStop);
  if (sequence.new_tokens() == sequence.options.max_new_tokens) flush(sequence, FinishReason::kLength);
}

// Half a character, or the beginning of a stop string, may still be held back.
void Engine::flush(Sequence& sequence, FinishReason reason) {
  const StopStrings::Result text =
      sequence.stop.feed(sequence.decoder ? sequence.decoder->finish() : std::string());
  emit(sequence, text.text);
  if (!text.stopped) emit(sequence, sequence.stop.finish());
  finish(sequence, text.stopped ? FinishReason::kStop : reason);
}

void Engine::emit(Sequence& sequence, std::string_view text) {
  if (text.empty() || sequence.finished) return;
  sequence.result.text += text;
  if (sequence.on_text && !sequence.on_text(text)) finish(sequence, FinishReason::kCancelled);
}

void Engine::finish(Sequence& sequence, FinishReason reason) {
  if (sequence.finished) return;
  sequence.finished = true;
  GenerationResult& result = sequence.result;
  result.reason = reason;
  if (result.tokens.empty()) result.prefill_seconds = seconds_since(sequence.begin);
  result.decode_seconds = seconds_since(sequence.begin) - result.prefill_seconds;
  if (sequence.options.keep_state && sequence.state) {
    sequence.tokens.resize(static_cast<std::size_t>(sequence.computed));
    sequence.state->truncate(sequence.computed);
    sequence.speculation.model.keep(sequence.computed);
    kept_ = Kept{std::move(sequence.tokens), std::move(sequence.state), sequence.length,
                 std::move(sequence.speculation.model)};
  }
  sequence.state.reset();
  sequence.speculation.model = {};
  finished_[sequence.number] = std::move(result);
}

void Engine::cancel_all() {
  const auto cancel = [&](Sequence& sequence) {
    for (const auto& other : sequence.others) finish(*other, FinishReason::kCancelled);
    finish(sequence, FinishReason::kCancelled);
  };
  for (const auto& sequence : running_) cancel(*sequence);
  for (const auto& sequence : waiting_) cancel(*sequence);
  running_.clear();
  waiting_.clear();
}

std::int64_t Engine::waiting_for_first_token() const {
  const auto silent = [](const auto& sequence) { return sequence->result.tokens.empty(); };
  return static_cast<std::int64_t>(waiting_.size()) + std::count_if(running_.begin(), running_.end(), silent);
}

GenerationResult Engine::take(std::int64_t sequence) {
  auto found = finished_.extract(sequence);
  if (found.empty()) fail(ErrorCode::kNotFound, "engine", "sequence {} has not finished", sequence);
  return std::move(found.mapped());
}

}  // namespace swiftlet
