// Generation: from the public options to the engine's, and back.
#include <algorithm>
#include <filesystem>

#include "swiftlet/api/model_impl.h"
#include "swiftlet/core/error.h"
#include "swiftlet/engine/beam_search.h"

namespace swiftlet {
namespace {

constexpr std::int64_t kDefaultContext = 2048;
constexpr std::int64_t kBatchedSequences = 8;

std::string_view name_of(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kCancelled:
      return "cancelled";
  }
  return "?";
}

SamplingOptions sampling_of(const GenerateOptions& options) {
  return {.temperature = static_cast<float>(options.temperature),
          .top_k = options.top_k,
          .top_p = static_cast<float>(options.top_p),
          .min_p = static_cast<float>(options.min_p),
          .typical_p = static_cast<float>(options.typical_p),
          .mirostat = options.mirostat,
          .mirostat_tau = static_cast<float>(options.mirostat_tau),
          .mirostat_eta = static_cast<float>(options.mirostat_eta),
          .seed = options.seed};
}

// A word has other tokens at the start of a text than behind a space: both are banned.
std::vector<std::vector<std::int32_t>> banned_tokens(const LoadedModel& model,
                                                     const std::vector<std::string>& words) {
  std::vector<std::vector<std::int32_t>> banned;
  for (const std::string& word : words) {
    if (word.empty()) fail(ErrorCode::kUsage, "banned", "a text must not be empty");
    banned.push_back(model.encode(word, {.add_special = false}));
    if (!word.starts_with(' ')) banned.push_back(model.encode(" " + word, {.add_special = false}));
  }
  return banned;
}

LogitsOptions logits_of(const LoadedModel& model, const GenerateOptions& options,
                        std::vector<std::int32_t> dry_breakers) {
  LogitsOptions logits{.repetition_penalty = static_cast<float>(options.repetition_penalty),
                       .presence_penalty = static_cast<float>(options.presence_penalty),
                       .frequency_penalty = static_cast<float>(options.frequency_penalty),
                       .penalty_window = options.penalty_window,
                       .no_repeat_ngram = options.no_repeat_ngram,
                       .dry_multiplier = static_cast<float>(options.dry_multiplier),
                       .dry_base = static_cast<float>(options.dry_base),
                       .dry_allowed_length = options.dry_allowed_length,
                       .banned = banned_tokens(model, options.banned),
                       .min_new_tokens = options.min_new_tokens};
  for (const auto& [token, bias] : options.logit_bias)
    logits.bias.emplace_back(token, static_cast<float>(bias));
  logits.dry_breakers = std::move(dry_breakers);
  return logits;
}

SpeculationOptions speculation_of(const GenerateOptions& options) {
  constexpr int kMostDrafts = 255;
  for (const auto& [name, source] : {std::pair{"none", DraftSource::kNone},
                                     {"lookup", DraftSource::kLookup},
                                     {"draft", DraftSource::kModel}}) {
    if (options.speculate != name) continue;
    if (options.draft_tokens < 1 || options.draft_tokens > kMostDrafts)
      fail(ErrorCode::kUsage, "draft_tokens", "must be 1 to {}, is {}", kMostDrafts, options.draft_tokens);
    return {.source = source, .draft_tokens = source == DraftSource::kNone ? 0 : options.draft_tokens};
  }
  fail(ErrorCode::kUsage, "speculate", "must be none, lookup or draft, is '{}'", options.speculate);
}

GenerationOptions to_internal(const LoadedModel& model, const GenerateOptions& options,
                              std::vector<std::int32_t> dry_breakers) {
  return {.max_new_tokens = options.max_new_tokens,
          .sampling = sampling_of(options),
          .logits = logits_of(model, options, std::move(dry_breakers)),
          .stop = options.stop,
          .ignore_eos = options.ignore_eos,
          .samples = options.samples,
          .logprobs = options.logprobs,
          .speculation = speculation_of(options)};
}

Generation to_public(GenerationResult result) {
  Generation generation;
  generation.text = std::move(result.text);
  generation.tokens = std::move(result.tokens);
  generation.logprobs = std::move(result.logprobs);
  generation.prompt_tokens = result.prompt_tokens;
  generation.reused_tokens = result.reused_tokens;
  generation.drafted_tokens = result.drafted_tokens;
  generation.accepted_tokens = result.accepted_tokens;
  generation.finish_reason = name_of(result.reason);
  generation.prefill_seconds = result.prefill_seconds;
  generation.decode_seconds = result.decode_seconds;
  return generation;
}

EarlyStopping early_stopping_of(const std::string& name) {
  for (const auto& [known, value] : {std::pair{"no", EarlyStopping::kUnlikely},
                                     {"yes", EarlyStopping::kYes},
                                     {"never", EarlyStopping::kNever}})
    if (name == known) return value;
  fail(ErrorCode::kUsage, "early_stopping", "must be no, yes or never, is '{}'", name);
}

// Throws kUsage for what does not go with beams.
BeamOptions beams_of(const LoadedModel& model, const GenerateOptions& options,
                     std::vector<std::int32_t> dry_breakers) {
  const auto refuse = [](bool is_there, const char* what) {
    if (is_there) fail(ErrorCode::kUsage, "beams", "{} do not go with beam search", what);
  };
  refuse(options.temperature > 0 || options.mirostat > 0, "temperature and mirostat");
  refuse(!options.stop.empty(), "stop strings");
  refuse(options.logprobs >= 0, "log-probabilities");
  refuse(!options.prompt_cache.empty(), "prompt caches");
  refuse(options.speculate != "none", "drafts");
  return {.beams = options.beams,
          .n_best = options.samples,
          .length_penalty = options.length_penalty,
          .early_stopping = early_stopping_of(options.early_stopping),
          .max_new_tokens = options.max_new_tokens,
          .logits = logits_of(model, options, std::move(dry_breakers)),
          .ignore_eos = options.ignore_eos};
}

// The text that tokens add to that of the prompt.
std::string continued(const LoadedModel& model, std::span<const std::int32_t> prompt,
                      std::span<const std::int32_t> tokens) {
  if (!model.tokenizer) return {};
  StreamDecoder decoder(*model.tokenizer);
  std::string text;
  for (const std::int32_t id : prompt) decoder.push(id);
  for (const std::int32_t id : tokens) text += decoder.push(id);
  return text + decoder.finish();
}

// Tokens of context that a prompt and its answer want; the model's own limit is applied later.
std::int64_t context_for(std::size_t prompt_tokens, const GenerateOptions& options) {
  constexpr std::int64_t kMost = std::int64_t{1} << 40;  // so that no request overflows the sum
  return static_cast<std::int64_t>(prompt_tokens) + std::min(options.max_new_tokens, kMost) + 1;
}

std::vector<Generation> search(const std::shared_ptr<LoadedModel>& model,
                               const std::vector<std::vector<std::int32_t>>& prompts,
                               const GenerateOptions& options, BeamOptions beams, const Job& job) {
  std::vector<Generation> results;
  for (const auto& prompt : prompts) {
    beams.context = std::min(model->built.max_positions, context_for(prompt.size(), options));
    for (Hypothesis& hypothesis : beam_search(model, prompt, beams, job)) {
      Generation generation;
      generation.text = continued(*model, prompt, hypothesis.tokens);
      generation.tokens = std::move(hypothesis.tokens);
      generation.score = hypothesis.score;
      generation.prompt_tokens = std::ssize(prompt);
      generation.finish_reason = hypothesis.ended ? "stop" : "length";
      results.push_back(std::move(generation));
    }
  }
  return results;
}

}  // namespace

std::vector<std::int32_t> Model::Impl::breaker_tokens(const GenerateOptions& options) {
  if (options.dry_multiplier <= 0) return {};
  const std::vector<std::string>& texts = options.dry_breakers;
  if (breakers.texts == texts) return breakers.tokens;
  const Tokenizer& tokenizer = loaded->require_tokenizer();
  const auto count = std::min<std::int64_t>(tokenizer.vocab_size(), loaded->built.vocab_size);
  Breakers found{texts, {}};
  for (std::int32_t id = 0; id < count; ++id) {
    const std::string text = tokenizer.decode(std::span(&id, 1), {.skip_special = false});
    const bool breaks = std::any_of(texts.begin(), texts.end(), [&](const std::string& breaker) {
      return text.find(breaker) != std::string::npos;
    });
    if (breaks) found.tokens.push_back(id);
  }
  breakers = std::move(found);
  return breakers.tokens;
}

Engine& Model::Impl::require_engine(std::int64_t sequences, std::int64_t context,
                                    const SpeculationOptions& speculation) {
  const std::int64_t most = loaded->built.max_positions;
  const std::int64_t wanted = std::min(most, std::max(context, std::min(most, kDefaultContext)));
  const bool by_model = speculation.source == DraftSource::kModel;
  if (by_model && !draft)
    fail(ErrorCode::kUsage, "speculate", "'draft' needs a draft model, and none was loaded");
  const auto serves = [&](const EngineOptions& has) {
    return has.max_sequences >= sequences && has.context >= wanted &&
           has.draft_tokens >= speculation.draft_tokens && (!by_model || has.draft_model);
  };
  if (!engine || !serves(engine->options())) {
    engine.reset();  // before the new one takes its memory
    engine.emplace(loaded, EngineOptions{.max_sequences = sequences,
                                         .context = wanted,
                                         .draft_tokens = speculation.draft_tokens,
                                         .draft_model = by_model ? draft : nullptr});
  }
  return *engine;
}

std::vector<Generation> Model::Impl::generate(std::vector<std::vector<std::int32_t>> prompts,
                                              const GenerateOptions& options, const OnText& on_text,
                                              const Job* job) {
  if (!options.prompt_cache.empty())
    fail(ErrorCode::kUsage, "prompt_cache", "goes with one prompt and one answer");
  const Turns::Turn turn(turns);
  if (options.beams != 1) {
    if (on_text) fail(ErrorCode::kUsage, "beams", "an answer of beam search cannot be streamed");
    return search(loaded, prompts, options, beams_of(*loaded, options, breaker_tokens(options)),
                  or_default(job));
  }
  std::size_t longest = 0;
  for (const auto& prompt : prompts) longest = std::max(longest, prompt.size());
  const GenerationOptions internal = to_internal(*loaded, options, breaker_tokens(options));
  if (options.samples < 1) fail(ErrorCode::kUsage, "samples", "must be at least 1, is {}", options.samples);
  const std::int64_t answers = std::ssize(prompts) * options.samples;
  const auto sequences =
      std::max<std::int64_t>(std::clamp<std::int64_t>(answers, 1, kBatchedSequences), options.samples);
  Engine& running = require_engine(sequences, context_for(longest, options), internal.speculation);
  std::vector<Generation> results;
  try {
    std::vector<std::int64_t> numbers;
    for (auto& prompt : prompts) {
      const std::int64_t first = running.submit(std::move(prompt), internal, on_text);
      for (int sample = 0; sample < options.samples; ++sample) numbers.push_back(first + sample);
    }
    while (running.step(or_default(job))) {
    }
    for (const std::int64_t number : numbers) results.push_back(to_public(running.take(number)));
  } catch (...) {
    engine.reset();  // with the half-done sequences that it holds
    throw;
  }
  return results;
}

Generation Model::Impl::generate_turn(std::vector<std::int32_t> prompt, const GenerateOptions& options,
                                      std::vector<std::int32_t> end_tokens, std::int64_t context,
                                      const OnText& on_text, const Job* job) {
  const Turns::Turn turn(turns);
  GenerationOptions internal = to_internal(*loaded, options, breaker_tokens(options));
  internal.end_tokens = std::move(end_tokens);
  internal.keep_state = true;
  Engine& running = require_engine(1, context, internal.speculation);
  try {
    load_prompt_cache(options);
    const std::int64_t number = running.submit(std::move(prompt), internal, on_text);
    while (running.step(or_default(job))) {
    }
    GenerationResult result = running.take(number);
    save_prompt_cache(options, result);
    return to_public(std::move(result));
  } catch (...) {
    engine.reset();
    throw;
  }
}

void Model::Impl::load_prompt_cache(const GenerateOptions& options) {
  if (options.prompt_cache.empty()) return;
  std::error_code error;
  const std::filesystem::path file = options.prompt_cache, folder = file.parent_path();
  if (!folder.empty() && !std::filesystem::is_directory(folder, error))  // before the work, not after it
    fail(ErrorCode::kNotFound, file.string(), "there is no folder {}", folder.string());
  // In the later turns of a conversation the engine holds more than the file.
  const bool holds = engine->kept_tokens() > 0 && prompt_cache_file == options.prompt_cache;
  if (!holds && std::filesystem::exists(file, error)) engine->load_kept(file);
  prompt_cache_file = options.prompt_cache;
}

void Model::Impl::save_prompt_cache(const GenerateOptions& options, const GenerationResult& result) {
  if (options.prompt_cache.empty() || options.prompt_cache_read_only) return;
  const std::int64_t kept = engine->kept_tokens();
  const std::int64_t tokens = options.prompt_cache_all ? kept : std::min(kept, result.prompt_tokens);
  std::error_code error;
  // The file has it all, perhaps more.
  const bool known = result.reused_tokens >= result.prompt_tokens - 1 &&
                     std::filesystem::exists(options.prompt_cache, error);
  if (tokens > 0 && (options.prompt_cache_all || !known)) engine->save_kept(options.prompt_cache, tokens);
}

Generation Model::generate(std::string_view prompt, const GenerateOptions& options, const OnText& on_text,
                           const Job* job) {
  if (options.samples != 1)
    fail(ErrorCode::kUsage, "samples", "one answer comes back here, not {}; give a list of prompts",
         options.samples);
  std::vector<std::int32_t> tokens = impl_->loaded->encode_prompt(prompt);
  if (!options.prompt_cache.empty() && options.beams == 1) {
    const std::int64_t context = context_for(tokens.size(), options);
    return impl_->generate_turn(std::move(tokens), options, {}, context, on_text, job);
  }
  return std::move(impl_->generate({std::move(tokens)}, options, on_text, job).front());
}

std::vector<Generation> Model::generate(const std::vector<std::string>& prompts,
                                        const GenerateOptions& options, const Job* job) {
  std::vector<std::vector<std::int32_t>> encoded;
  for (const std::string& prompt : prompts) encoded.push_back(impl_->loaded->encode_prompt(prompt));
  return impl_->generate(std::move(encoded), options, {}, job);
}

}  // namespace swiftlet
