#include "swiftlet/cli/choosing_options.h"

#include "swiftlet/cli/session.h"
#include "swiftlet/core/log.h"

namespace swiftlet::cli {
namespace {

// "1234=-2.5", "1234=-inf"
std::pair<std::int32_t, double> parse_bias(const std::string& command, const std::string& text) {
  const std::size_t equals = text.find('=');
  std::int64_t id = -1;
  double bias = 0;
  if (equals == std::string::npos || !parse_number(text.substr(0, equals), id) || id < 0 || id > INT32_MAX ||
      !parse_number(text.substr(equals + 1), bias))
    wrong_use(command, fmt::format("--logit-bias must be like 1234=-2.5, not {}", text));
  return {static_cast<std::int32_t>(id), bias};
}

void add_sampling(CommandLine& line, GenerateOptions& generate) {
  line.group("Sampling (in this order; docs/generation.md)");
  line.number("--temperature", generate.temperature, "Randomness; 0: always the likeliest token", 0.0);
  line.number("--top-k", generate.top_k, "Sample from the K likeliest tokens; 0: from all", 0);
  line.number("--top-p", generate.top_p, "Sample from the likeliest tokens of this total probability", 0.0,
              1.0);
  line.number("--min-p", generate.min_p, "Sample from tokens this share as likely as the likeliest", 0.0,
              1.0);
  line.number("--typical-p", generate.typical_p, "Sample from the most typical tokens of this probability",
              0.0, 1.0);
  line.number("--mirostat", generate.mirostat, "Version 1 or 2 in place of these four; 0: none", 0, 2);
  line.number("--mirostat-tau", generate.mirostat_tau, "Its target, bits of surprise a token", 0.0);
  line.number("--mirostat-eta", generate.mirostat_eta, "How fast it corrects", 0.0);
  line.number<std::uint64_t>("--seed", generate.seed, "Of the random numbers", 0);
}

void add_penalties(CommandLine& line, ChoosingOptions& options) {
  GenerateOptions& generate = options.generate;
  line.group("Penalties (before sampling, in this order)");
  line.texts("--logit-bias", options.biases, "ID=BIAS",
             "Add to a token's logit; -inf bans it (may be repeated)");
  line.number("--repetition-penalty", generate.repetition_penalty, "Of tokens that came before; 1: none",
              0.0);
  line.number("--presence-penalty", generate.presence_penalty, "Of generated tokens", -1e3, 1e3);
  line.number("--frequency-penalty", generate.frequency_penalty, "Of generated tokens, for each time", -1e3,
              1e3);
  line.number("--penalty-window", generate.penalty_window,
              "Last tokens that --repetition-penalty and DRY see; 0: all", 0);
  line.number("--no-repeat-ngram", generate.no_repeat_ngram, "N-grams of this size come once; 0: any", 0);
  line.number("--dry-multiplier", generate.dry_multiplier,
              "Penalty of continuing a repetition (DRY); 0: none", 0.0);
  line.number("--dry-base", generate.dry_base, "Its growth with each token", 1.0);
  line.number("--dry-allowed-length", generate.dry_allowed_length, "Repetitions up to here are free", 1);
  line.texts("--dry-breaker", options.dry_breakers, "TEXT",
             "Repetitions end here; newline, colon, quote and asterisk unless given (may be repeated)");
  line.texts("--ban", generate.banned, "TEXT", "Never generate this text (may be repeated)");
}

}  // namespace

void ChoosingOptions::add_stops(CommandLine& line) {
  line.texts("--stop", generate.stop, "TEXT", "End before this text (may be repeated)");
  line.flag("--ignore-eos", generate.ignore_eos, "Go on after the end token");
}

void ChoosingOptions::add_prompt_cache(CommandLine& line) {
  line.text("--prompt-cache", generate.prompt_cache, "FILE",
            "Keep what was computed for the prompt here, and do not compute it again");
  line.flag("--prompt-cache-all", generate.prompt_cache_all, "Keep that of the answer too");
  line.flag("--prompt-cache-ro", generate.prompt_cache_read_only, "Read the file, never write it");
}

void ChoosingOptions::add_speculation(CommandLine& line) {
  line.choice("--speculate", generate.speculate, {"none", "lookup"},
              "Guess the next tokens from what followed the same words before; the text stays the same");
  line.text("--draft-model", draft_model, "MODEL",
            "A small model of the same vocabulary that guesses the next tokens; the text stays the same");
  line.number("--draft-tokens", generate.draft_tokens, "Tokens to guess at a time, at most", 1, 255);
}

void ChoosingOptions::add(CommandLine& line) {
  add_sampling(line, generate);
  add_penalties(line, *this);
}

void ChoosingOptions::check(const std::string& command) {
  const GenerateOptions usual;
  const bool samples = generate.top_k != usual.top_k || generate.top_p != usual.top_p ||
                       generate.min_p != usual.min_p || generate.typical_p != usual.typical_p ||
                       generate.seed != usual.seed;
  if (samples && generate.temperature == 0 && generate.mirostat == 0 && generate.beams == 1)
    warn("{}: without --temperature the likeliest token is taken: what chooses among others has no effect",
         command);
  if (generate.top_p <= 0) wrong_use(command, "--top-p must be more than 0");
  if (generate.typical_p <= 0) wrong_use(command, "--typical-p must be more than 0");
  const auto no_empty = [&command](const char* name, const std::vector<std::string>& texts) {
    for (const std::string& text : texts)
      if (text.empty()) wrong_use(command, fmt::format("{} must not be empty", name));
  };
  no_empty("--stop", generate.stop);
  no_empty("--ban", generate.banned);
  no_empty("--dry-breaker", dry_breakers);
  if (generate.prompt_cache.empty() && (generate.prompt_cache_all || generate.prompt_cache_read_only))
    wrong_use(command, "--prompt-cache-all and --prompt-cache-ro go with --prompt-cache");
  if (generate.prompt_cache_all && generate.prompt_cache_read_only)
    wrong_use(command, "--prompt-cache-all and --prompt-cache-ro exclude each other");
  if (!generate.prompt_cache.empty() && generate.samples > 1)
    wrong_use(command, "--prompt-cache goes with one answer, not --samples");
  if (!draft_model.empty()) {
    if (generate.speculate != "none") wrong_use(command, "--draft-model and --speculate exclude each other");
    generate.speculate = "draft";
  }
  if (generate.speculate == "none" && generate.draft_tokens != usual.draft_tokens)
    wrong_use(command, "--draft-tokens goes with --speculate or --draft-model");
  if (generate.speculate != "none" && generate.beams > 1)
    wrong_use(command, "--speculate and --draft-model do not go with --beams");
  if (!dry_breakers.empty()) generate.dry_breakers = dry_breakers;
  for (const std::string& bias : biases) generate.logit_bias.push_back(parse_bias(command, bias));
}

}  // namespace swiftlet::cli
