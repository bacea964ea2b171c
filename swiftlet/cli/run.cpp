// swiftlet run MODEL [PROMPT]: streams a completion.
#include <memory>

#include "swiftlet/cli/choosing_options.h"
#include "swiftlet/cli/command.h"
#include "swiftlet/cli/format.h"
#include "swiftlet/cli/input.h"
#include "swiftlet/core/memory.h"

namespace swiftlet::cli {
namespace {

struct RunOptions {
  std::string model, prompt;
  bool prompt_given = false, echo = false;
  ChoosingOptions choosing;
};

std::string read_prompt(const Session& session) {
  if (stdin_is_terminal()) write_stderr("Type the prompt, then Ctrl-D:\n");
  std::string prompt = Input("-", session.job).all();
  if (prompt.ends_with('\n')) prompt.pop_back();  // the end of the last line, not of the prompt
  if (prompt.ends_with('\r')) prompt.pop_back();
  return prompt;
}

double tokens_per_second(const Generation& result) {
  const double seconds = result.prefill_seconds + result.decode_seconds;
  return seconds > 0 ? double(result.tokens.size()) / seconds : 0;
}

// What the prompt cache spared.
std::string reused(const Generation& result) {
  if (result.reused_tokens == 0) return "";
  return fmt::format(" ({} of them from the file)", grouped(result.reused_tokens));
}

// What became of the drafts.
std::string drafted(const Generation& result) {
  if (result.drafted_tokens == 0) return "";
  return fmt::format(" ({} of {} guesses right)", grouped(result.accepted_tokens),
                     grouped(result.drafted_tokens));
}

Json answer_json(const Generation& result, const GenerateOptions& options) {
  Json answer{{"text", result.text}, {"tokens", result.tokens}, {"finish_reason", result.finish_reason}};
  if (options.beams > 1) answer["score"] = result.score;
  if (!result.logprobs.empty()) answer["logprobs"] = Json::array();
  for (const TokenLogprobs& token : result.logprobs) {
    Json top = Json::array();
    for (const auto& [id, logprob] : token.top) top.push_back({{"token", id}, {"logprob", logprob}});
    answer["logprobs"].push_back({{"logprob", token.logprob}, {"top", std::move(top)}});
  }
  return answer;
}

Json to_json(const Generation& result, const RunOptions& options, double load_seconds) {
  Json object{{"model", options.model}, {"prompt", options.prompt}};
  object.update(answer_json(result, options.choosing.generate));
  object.update({{"prompt_tokens", result.prompt_tokens},
                 {"reused_tokens", result.reused_tokens},
                 {"drafted_tokens", result.drafted_tokens},
                 {"accepted_tokens", result.accepted_tokens},
                 {"generated_tokens", result.tokens.size()},
                 {"load_seconds", load_seconds},
                 {"prefill_seconds", result.prefill_seconds},
                 {"decode_seconds", result.decode_seconds},
                 {"prefill_tokens_per_second", result.prefill_tokens_per_second()},
                 {"decode_tokens_per_second", result.decode_tokens_per_second()},
                 {"tokens_per_second", tokens_per_second(result)},
                 {"peak_memory_bytes", peak_memory_bytes()}});
  return object;
}

// Generates, with the text going out as it comes. A reader that goes away ends the generation.
Generation stream(Session& session, Model& model, const RunOptions& options) {
  if (options.echo) session.out.write(options.prompt);
  session.out.flush();
  AnswerStream answer(session.out);
  Generation result = model.generate(
      options.prompt, options.choosing.generate, [&](std::string_view piece) { return answer.write(piece); },
      &session.job);
  answer.finish();
  return result;
}

// Before the model is loaded, so that a mistake costs nothing.
void check(RunOptions& options) {
  options.choosing.check("run");
  check_apart("run", "--prompt-cache", options.choosing.generate.prompt_cache, {options.model});
  const GenerateOptions& generate = options.choosing.generate;
  if (generate.beams == 1 && generate.samples > 1 && generate.temperature == 0)
    wrong_use("run", "--samples needs --temperature or --beams: greedy answers are all the same");
  if (generate.beams > 1 && generate.samples > generate.beams)
    wrong_use("run", "--samples must be at most --beams");
}

// Whether the context ended an answer rather than --max-tokens.
bool is_full(const Generation& result, const GenerateOptions& generate) {
  return result.finish_reason == "length" && std::ssize(result.tokens) < generate.max_new_tokens;
}

// Several answers to one prompt, one after the other, and what cannot be streamed.
int run_samples(Session& session, const RunOptions& options) {
  Model model = session.load(options.model, {}, options.choosing.draft_model);
  const auto results = model.generate(std::vector{options.prompt}, options.choosing.generate, &session.job);
  if (session.options.json) {
    Json answers = Json::array();
    for (const Generation& result : results)
      answers.push_back(answer_json(result, options.choosing.generate));
    session.print_json({{"model", options.model},
                        {"prompt", options.prompt},
                        {"samples", std::move(answers)},
                        {"prompt_tokens", results.front().prompt_tokens},
                        {"peak_memory_bytes", peak_memory_bytes()}});
  } else {
    const std::string prompt = options.echo ? options.prompt : "";
    session.progress.clear();
    for (std::size_t i = 0; i < results.size(); ++i)
      session.out.write(results.size() == 1
                            ? fmt::format("{}{}\n", prompt, results[i].text)
                            : fmt::format("{}{}: {}{}\n", i > 0 ? "\n" : "", i + 1, prompt, results[i].text));
  }
  return session.job.cancelled() ? interrupted_status() : kDone;
}

int run(Session& session, RunOptions& options) {
  check(options);
  if (!options.prompt_given) options.prompt = read_prompt(session);
  const GenerateOptions& generate = options.choosing.generate;
  if (generate.samples > 1 || generate.beams > 1) return run_samples(session, options);
  Model model = session.load(options.model, {}, options.choosing.draft_model);
  Generation result;
  if (session.options.json) {
    result = model.generate(options.prompt, options.choosing.generate, {}, &session.job);
    session.print_json(to_json(result, options, session.load_seconds()));
  } else {
    session.progress.disable();  // the text itself shows how far it is
    result = stream(session, model, options);
    session.note("prompt {} tokens{}, {} tokens/s; generated {} tokens{}, {} tokens/s ({}); peak memory {}",
                 grouped(result.prompt_tokens), reused(result),
                 human_number(result.prefill_tokens_per_second()),
                 grouped(std::int64_t(result.tokens.size())), drafted(result),
                 human_number(result.decode_tokens_per_second()),
                 is_full(result, generate) ? "length: the context is full" : result.finish_reason,
                 human_bytes(std::int64_t(peak_memory_bytes())));
  }
  return session.job.cancelled() ? interrupted_status() : kDone;
}

}  // namespace

Action setup_run(CommandLine& line) {
  auto options = std::make_shared<RunOptions>();
  GenerateOptions& generate = options->choosing.generate;
  line.describe(
      "Prints the completion as it comes, and a line of statistics on standard error. After `--` a prompt\n"
      "may begin with a dash.");
  line.positional("MODEL", options->model, "A decoder");
  line.positional("PROMPT", options->prompt, "What to continue; standard input when absent", false);
  line.group("Generation");
  line.number<std::int64_t>("-n,--max-tokens", generate.max_new_tokens, "Tokens to generate at most", 1);
  line.number<std::int64_t>("--min-tokens", generate.min_new_tokens, "No end token before so many tokens", 0);
  options->choosing.add_stops(line);
  options->choosing.add_prompt_cache(line);
  line.toggle("--echo", options->echo,
              "Print the prompt before the completion (--no-echo: do not, the default)");
  line.number("--samples", generate.samples, "Answers to the prompt", 1, 256);
  line.number("--beams", generate.beams, "Beam search with so many hypotheses; --samples of them are shown",
              1, 256);
  line.number("--length-penalty", generate.length_penalty,
              "Of beams: log-probability / length^X; more favours longer answers", -100.0, 100.0);
  line.choice("--early-stopping", generate.early_stopping, {"no", "yes", "never"},
              "Of beams: end with enough answers if no other is likely, at once, if no other can win");
  line.number("--logprobs", generate.logprobs,
              "With --json: log-probabilities of each token and the N likeliest; -1: none", -1, 1000);
  line.group("Speculation (docs/generation.md)");
  options->choosing.add_speculation(line);
  options->choosing.add(line);
  line.machine_options();
  line.cache_option();
  line.output_options();
  line.examples(
      {"swiftlet run assets/stories-7m \"Once upon a time\"",
       "swiftlet run assets/stories260K/stories260K.bin \"Lily\" --temperature 0.8 --top-p 0.9 --seed 7",
       "swiftlet run model \"$(cat long.txt) In short:\" --prompt-cache long.state",
       "swiftlet run model \"$(cat report.txt) The same, corrected:\" --speculate lookup",
       "echo \"The old king\" | swiftlet run assets/stories-7m -n 200 --stop \"The end\" --json"});
  return [options, &line](Session& session) {
    options->prompt_given = line.given("PROMPT");
    return run(session, *options);
  };
}

}  // namespace swiftlet::cli
