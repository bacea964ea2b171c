// swiftlet run MODEL [PROMPT]: streams a completion.
#include <memory>

#include "swiftlet/cli/command.h"
#include "swiftlet/cli/format.h"
#include "swiftlet/cli/input.h"
#include "swiftlet/core/cpu_info.h"

namespace swiftlet::cli {
namespace {

struct RunOptions {
  std::string model, prompt;
  bool prompt_given = false, echo = false;
  GenerateOptions generate;
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

Json to_json(const Generation& result, const RunOptions& options, double load_seconds) {
  return {{"model", options.model},
          {"prompt", options.prompt},
          {"text", result.text},
          {"tokens", result.tokens},
          {"finish_reason", result.finish_reason},
          {"prompt_tokens", result.prompt_tokens},
          {"generated_tokens", result.tokens.size()},
          {"load_seconds", load_seconds},
          {"prefill_seconds", result.prefill_seconds},
          {"decode_seconds", result.decode_seconds},
          {"prefill_tokens_per_second", result.prefill_tokens_per_second()},
          {"decode_tokens_per_second", result.decode_tokens_per_second()},
          {"tokens_per_second", tokens_per_second(result)},
          {"peak_memory_bytes", peak_memory_bytes()}};
}

// Generates, with the text going out as it comes. A reader that goes away ends the generation.
Generation stream(Session& session, Model& model, const RunOptions& options) {
  bool closed = false, ends_line = false;
  std::exception_ptr broken;
  if (options.echo) session.out.write(options.prompt);
  session.out.flush();
  const auto on_text = [&](std::string_view piece) {
    try {
      session.out.write(piece);
      session.out.flush();
    } catch (...) {  // not through the engine: it must end its work
      broken = std::current_exception();
      closed = true;
    }
    if (!piece.empty()) ends_line = piece.back() == '\n';
    return !closed;
  };
  Generation result = model.generate(options.prompt, options.generate, on_text, &session.job);
  if (broken) std::rethrow_exception(broken);
  if (!ends_line) session.out.write("\n");
  session.out.flush();
  return result;
}

// Before the model is loaded, so that a mistake costs nothing.
void check(const GenerateOptions& options) {
  if (options.top_p <= 0) wrong_use("run", "--top-p must be more than 0");
  for (const std::string& stop : options.stop)
    if (stop.empty()) wrong_use("run", "--stop must not be empty");
}

int run(Session& session, RunOptions& options) {
  check(options.generate);
  if (!options.prompt_given) options.prompt = read_prompt(session);
  Model model = session.load(options.model);
  Generation result;
  if (session.options.json) {
    result = model.generate(options.prompt, options.generate, {}, &session.job);
    session.print_json(to_json(result, options, session.load_seconds()));
  } else {
    session.progress.disable();  // the text itself shows how far it is
    result = stream(session, model, options);
    session.note("prompt {} tokens, {} tokens/s; generated {} tokens, {} tokens/s ({}); peak memory {}",
                 grouped(result.prompt_tokens), human_number(result.prefill_tokens_per_second()),
                 grouped(std::int64_t(result.tokens.size())), human_number(result.decode_tokens_per_second()),
                 result.finish_reason, human_bytes(std::int64_t(peak_memory_bytes())));
  }
  return session.job.cancelled() ? interrupted_status() : kDone;
}

}  // namespace

Action setup_run(CommandLine& line) {
  auto options = std::make_shared<RunOptions>();
  GenerateOptions& generate = options->generate;
  line.describe(
      "Prints the completion as it comes, and a line of statistics on standard error. After `--` a prompt\n"
      "may begin with a dash.");
  line.positional("MODEL", options->model, "A decoder");
  line.positional("PROMPT", options->prompt, "What to continue; standard input when absent", false);
  line.group("Generation");
  line.number<std::int64_t>("-n,--max-tokens", generate.max_new_tokens, "Tokens to generate at most", 1);
  line.number("--temperature", generate.temperature, "Randomness; 0: always the likeliest token", 0.0);
  line.number("--top-k", generate.top_k, "Sample from the K likeliest tokens; 0: from all", 0);
  line.number("--top-p", generate.top_p, "Sample from the likeliest tokens of this total probability", 0.0,
              1.0);
  line.number<std::uint64_t>("--seed", generate.seed, "Of the random numbers", 0);
  line.texts("--stop", generate.stop, "TEXT", "End before this text (may be repeated)");
  line.flag("--ignore-eos", generate.ignore_eos, "Go on after the end token");
  line.toggle("--echo", options->echo,
              "Print the prompt before the completion (--no-echo: do not, the default)");
  line.machine_options();
  line.cache_option();
  line.output_options();
  line.examples(
      {"swiftlet run assets/stories-7m \"Once upon a time\"",
       "swiftlet run assets/stories260K/stories260K.bin \"Lily\" --temperature 0.8 --top-p 0.9 --seed 7",
       "echo \"The old king\" | swiftlet run assets/stories-7m -n 200 --stop \"The end\" --json"});
  return [options, &line](Session& session) {
    options->prompt_given = line.given("PROMPT");
    return run(session, *options);
  };
}

}  // namespace swiftlet::cli
