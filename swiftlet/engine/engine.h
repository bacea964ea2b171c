// Engine: generation for several sequences at once. Every step mixes the decode tokens of running sequences
// with chunks of waiting prompts (continuous batching; Yu et al., Orca, 2022), over one paged cache.
//
// Greedy output and samples of a sequence do not depend on what else is in the batch, nor on the number of
// threads. One thread drives an engine; cancel() of a Job may come from any.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/engine/logits_processor.h"
#include "swiftlet/engine/model.h"
#include "swiftlet/engine/paged_cache.h"
#include "swiftlet/engine/sampler.h"
#include "swiftlet/engine/speculate.h"
#include "swiftlet/engine/step_builder.h"
#include "swiftlet/engine/stop_strings.h"
#include "swiftlet/job.h"
#include "swiftlet/logprobs.h"

namespace swiftlet {

struct EngineOptions {
  std::int64_t max_sequences = 8;  // that run at the same time; others wait
  std::int64_t context = 0;        // tokens a sequence may have; 0: what the model allows, at most 2048
  std::int64_t step_tokens = 512;  // rows of one step: the size of a prefill chunk
  // That a sequence may draft at a time (speculate.h): the logits of so many more rows are kept. 0: none.
  std::int64_t draft_tokens = 0;
  std::shared_ptr<LoadedModel> draft_model = {};  // null: drafts by prompt lookup only
};

struct GenerationOptions {
  std::int64_t max_new_tokens = 128;
  SamplingOptions sampling;
  LogitsOptions logits = {};
  std::vector<std::string> stop;
  bool ignore_eos = false;
  int samples = 1;    // answers to the one prompt; they share its cache
  int logprobs = -1;  // >= 0: log-probabilities of every token and of so many of the likeliest
  std::vector<std::int32_t> end_tokens = {};  // beside those of the model
  SpeculationOptions speculation = {};
  // The cache of this sequence is kept after its end, and that of the last such sequence is used for as many
  // of the first tokens as are the same. For one conversation after another, not for batches.
  bool keep_state = false;
};

enum class FinishReason : std::uint8_t { kStop, kLength, kCancelled };

struct GenerationResult {
  std::vector<std::int32_t> tokens;     // generated; an end token is not among them
  std::vector<TokenLogprobs> logprobs;  // of each of them, where asked for
  std::string text;
  FinishReason reason = FinishReason::kLength;
  std::int64_t prompt_tokens = 0;
  std::int64_t reused_tokens = 0;                        // of the prompt, found in the cache
  std::int64_t drafted_tokens = 0, accepted_tokens = 0;  // by speculation
  double prefill_seconds = 0, decode_seconds = 0;        // from admission to the first token, and from there
};

// What an engine with these options runs. Throws kUnsupported for an encoder.
std::shared_ptr<const Program> engine_program(const LoadedModel& model, const EngineOptions& options);

class Engine {
 public:
  // Whole UTF-8 text as it comes; false ends the sequence as cancelled.
  using OnText = std::function<bool(std::string_view piece)>;

  // Throws kInvalid where the draft model has another vocabulary.
  explicit Engine(std::shared_ptr<LoadedModel> model, const EngineOptions& options = {});
  ~Engine();

  // Queues a sequence for each of options.samples; returns the number of the first, the others follow it.
  // Throws kInvalid when prompt and one new token exceed the context. The new tokens are limited to what the
  // context leaves. A model without a tokenizer gives tokens and no text; with `on_text` or stop strings it
  // throws kNotFound. Throws kUsage for several samples with `on_text`, or more than max_sequences, and for
  // more speculation than the engine's options allow.
  std::int64_t submit(std::vector<std::int32_t> prompt, const GenerationOptions& options,
                      OnText on_text = {});
  // One step of the program; false when no sequence is left. Does not throw when the job is cancelled: all
  // sequences end as kCancelled.
  bool step(const Job& job = {});
  // The result of a finished sequence; throws kNotFound for another.
  GenerationResult take(std::int64_t sequence);

  // What GenerationOptions::keep_state kept: tokens, 0 when there is nothing.
  std::int64_t kept_tokens() const { return kept_ ? std::ssize(kept_->tokens) : 0; }
  // The first `tokens` of it as a file, and the other way round in place of what was kept, as many as the
  // context holds (prompt_cache.h). REQUIRES: 1 <= tokens <= kept_tokens(), no sequence running.
  void save_kept(const std::filesystem::path& path, std::int64_t tokens) const;
  void load_kept(const std::filesystem::path& path);

  std::int64_t cache_bytes() const { return cache_.bytes(); }
  std::int64_t context() const { return context_; }
  // As given, with the context that was chosen.
  const EngineOptions& options() const { return options_; }
  // Sequences that have not yielded a token yet.
  std::int64_t waiting_for_first_token() const;
  const std::shared_ptr<const Program>& program() const { return program_; }
  // As Executor::set_profile.
  void set_profile(Profile* profile) { executor_.set_profile(profile); }
  DType cache_dtype() const { return cache_.dtype(); }
  const LoadedModel& model() const { return *model_; }

 private:
  struct Sequence;
  std::unique_ptr<Sequence> make_sequence(const std::vector<std::int32_t>& prompt,
                                          const GenerationOptions& options, OnText on_text,
                                          std::uint64_t sample);
  std::int64_t blocks_of(const Sequence& sequence) const;
  void admit();
  void reuse_kept(Sequence& sequence);
  bool draft();
  std::int64_t most_drafts(const Sequence& sequence) const;
  void build_step();
  void add_rows(Sequence& sequence, std::int64_t count);
  void turn_anew(Sequence& sequence);
  void start_samples(Sequence& first, std::span<const float> logits);
  void verify(Sequence& sequence, std::span<const float> rows);
  void accept(Sequence& sequence, std::span<const float> logits, std::optional<std::int32_t> draft = {});
  void emit(Sequence& sequence, std::string_view text);
  void flush(Sequence& sequence, FinishReason reason);
  void finish(Sequence& sequence, FinishReason reason);
  void cancel_all();

  std::shared_ptr<LoadedModel> model_;
  EngineOptions options_;
  std::int64_t context_;
  std::shared_ptr<const Program> program_;
  Executor executor_;
  PagedCache cache_;
  struct Kept {
    std::vector<std::int32_t> tokens;  // whose keys and values `state` holds
    std::unique_ptr<SequenceState> state;
    std::int64_t length = 0;  // of the sequence that they were computed in
    DraftState draft = {};    // of them, or fewer
  };
  std::optional<Kept> kept_;
  StepBuilder step_;
  std::optional<Speculator> speculator_;  // where there may be drafts
  SamplerScratch scratch_;
  LogitsScratch logits_scratch_;
  std::vector<std::int32_t> end_tokens_;
  std::deque<std::unique_ptr<Sequence>> waiting_;
  std::vector<std::unique_ptr<Sequence>> running_;
  std::vector<Sequence*>
      sampled_;  // sequences whose next token this step yields, in the order of output rows
  std::map<std::int64_t, GenerationResult> finished_;
  std::int64_t next_number_ = 0;
};

}  // namespace swiftlet
