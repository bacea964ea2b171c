// swiftlet chat MODEL: a conversation, typed or from a pipe.
#include "swiftlet/chat.h"

#include <algorithm>
#include <memory>

#include "swiftlet/cli/choosing_options.h"
#include "swiftlet/cli/command.h"
#include "swiftlet/cli/conversation.h"
#include "swiftlet/cli/format.h"
#include "swiftlet/cli/input.h"
#include "swiftlet/cli/line_editor.h"
#include "swiftlet/core/file.h"
#include "swiftlet/core/memory.h"

namespace swiftlet::cli {
namespace {

struct TalkOptions {
  std::string model, system, chat_template, messages, tools, variables;
  std::int64_t context = 0;
  bool context_shift = false, print_prompt = false;
  ChoosingOptions choosing;
};

constexpr std::size_t kMostTemplateBytes = std::size_t{4} << 20;

// A name that the library or the model knows, the text of a file, or nothing for the model's own.
std::string chat_template_of(const TalkOptions& options, const Model& model) {
  std::vector<std::string> names = chat_template_names();
  for (const std::string& own : model.chat_templates()) names.push_back(own);
  const std::string& given = options.chat_template;
  std::error_code ignored;
  if (given.empty() || std::find(names.begin(), names.end(), given) != names.end()) return given;
  if (!std::filesystem::exists(given, ignored))
    throw Failure(kFailed, fmt::format("[{}] no such file or chat template", given),
                  fmt::format("known by name are {}", fmt::join(names, ", ")));
  return read_text_file(given, kMostTemplateBytes);
}

class Talk {
 public:
  Talk(Session& session, TalkOptions& options)
      : session_(session),
        options_(options),
        conversation_(options.system),
        interactive_(stdin_is_terminal()) {}
  int run();

 private:
  Chat make_chat(Model& model);
  void loop(Chat& chat);
  std::optional<std::string> next_line();
  // One line of input; false to leave.
  bool handle(Chat& chat, const std::string& line);
  bool command(Chat& chat, const std::string& line);
  void answer(Chat& chat);
  void stream(Chat& chat, const Job& job, ChatReply& reply);
  void tell_stats();
  void finish();

  Session& session_;
  TalkOptions& options_;
  Conversation conversation_;
  bool interactive_;
  std::unique_ptr<LineEditor> editor_;
  std::unique_ptr<Input> input_;
  std::int64_t answers_ = 0, prompt_tokens_ = 0, reused_tokens_ = 0, generated_tokens_ = 0;
  double prefill_seconds_ = 0, decode_seconds_ = 0;
};

constexpr const char* kHelp =
    "/system TEXT  another system prompt (none: without)\n"
    "/edit TEXT    another last message, answered anew\n"
    "/retry        another answer (with --temperature; the seed moves on)\n"
    "/undo         take back the last message and its answer\n"
    "/clear        start anew, with the same system prompt\n"
    "/save FILE    write the conversation as JSON\n"
    "/load FILE    go on with a conversation from a file\n"
    "/stats        tokens and their speed so far\n"
    "/exit         leave (Ctrl-D too)\n"
    "//...         a message that begins with a slash\n"
    "Ctrl-C stops an answer.\n";

int Talk::run() {
  if (!options_.messages.empty()) {
    conversation_.load(options_.messages);
    if (!options_.system.empty()) conversation_.set_system(options_.system);
  }
  Model model = session_.load(options_.model, {}, options_.choosing.draft_model);
  options_.chat_template = chat_template_of(options_, model);
  Chat chat = make_chat(model);
  session_.progress.disable();
  if (options_.print_prompt) {
    session_.out.write(chat.prompt(conversation_.json()));
    session_.out.flush();
    return kDone;
  }
  if (interactive_)
    session_.note("{}: context {} tokens; /help lists the commands", options_.model, chat.context());
  loop(chat);
  finish();
  return session_.job.cancelled() ? interrupted_status() : kDone;
}

Chat Talk::make_chat(Model& model) {
  try {
    return Chat(model, {.chat_template = options_.chat_template,
                        .tools = options_.tools.empty() ? "" : read_text_file(options_.tools),
                        .variables = options_.variables,
                        .context = options_.context,
                        .context_shift = options_.context_shift});
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNotFound || !options_.chat_template.empty()) throw;
    throw Failure(kFailed, error.what(), "--chat-template NAME or FILE");
  }
}

void Talk::loop(Chat& chat) {
  while (!session_.job.cancelled()) {
    const std::optional<std::string> line = next_line();
    if (!line) return;
    try {
      if (!handle(chat, *line)) return;
    } catch (const Error& error) {
      if (!interactive_ || error.code() == ErrorCode::kCancelled) throw;
      write_stderr(fmt::format("swiftlet: error: {}\n", error.what()));  // and the conversation goes on
    } catch (const Failure& failure) {
      if (!interactive_) throw;
      write_stderr(fmt::format("swiftlet: error: {} ({})\n", failure.what(), failure.hint));
    }
  }
}

std::optional<std::string> Talk::next_line() {
  session_.out.flush();
  if (interactive_) {
    if (!editor_) editor_ = std::make_unique<LineEditor>();
    return editor_->line("> ", session_.job);
  }
  if (!input_) input_ = std::make_unique<Input>("-", session_.job);
  return input_->line();
}

bool Talk::handle(Chat& chat, const std::string& line) {
  if (line.find_first_not_of(" \t") == std::string::npos) return true;
  if (line.starts_with('/') && !line.starts_with("//")) return command(chat, line);
  conversation_.add("user", line.substr(line.starts_with("//") ? 1 : 0));
  answer(chat);
  return true;
}

bool Talk::command(Chat& chat, const std::string& line) {
  const std::size_t space = std::min(line.find(' '), line.size());
  const std::string name = line.substr(0, space);
  const std::size_t begin = line.find_first_not_of(' ', space);
  const std::string rest = begin == std::string::npos ? "" : line.substr(begin);
  const auto need = [&](const char* what) {
    if (rest.empty()) wrong_use(name, fmt::format("wants {} behind it", what), "/help tells how");
  };
  if (name == "/exit" || name == "/quit") return false;
  if (name == "/help") {
    write_stderr(kHelp);
  } else if (name == "/system") {
    conversation_.set_system(rest);
  } else if (name == "/clear") {
    conversation_.clear();
  } else if (name == "/stats") {
    tell_stats();
  } else if (name == "/save") {
    need("a file");
    conversation_.save(rest);
  } else if (name == "/load") {
    need("a file");
    conversation_.load(rest);
  } else if (name == "/undo" || name == "/edit" || name == "/retry") {
    if (name == "/edit") need("the message");
    const std::optional<std::string> before = conversation_.take_turn();
    if (!before) wrong_use(name, "there is no message yet", "type one");
    if (name == "/undo") return true;
    if (name == "/retry") ++options_.choosing.generate.seed;
    conversation_.add("user", name == "/edit" ? rest : *before);
    answer(chat);
  } else {
    wrong_use(name, "no such command", "/help lists them");
  }
  return true;
}

void Talk::answer(Chat& chat) {
  Job job;
  ChatReply reply;
  bool stopped = false;
  try {
    const InterruptTurn turn(job);
    stream(chat, job, reply);
    stopped = job.cancelled();
  } catch (...) {
    conversation_.take_turn();  // as if it had not been sent
    throw;
  }
  const Generation& made = reply.generation;
  conversation_.add("assistant", made.text);
  ++answers_;
  prompt_tokens_ += made.prompt_tokens;
  reused_tokens_ += made.reused_tokens;
  generated_tokens_ += std::ssize(made.tokens);
  prefill_seconds_ += made.prefill_seconds;
  decode_seconds_ += made.decode_seconds;
  if (reply.dropped_messages > 0)
    session_.note("({} messages at the beginning no longer fit and were left out)", reply.dropped_messages);
  if (stopped)
    session_.note("(stopped)");
  else if (reply.context_full)
    session_.note("(the context of {} tokens is full: /clear, /undo, a larger --context or --context-shift)",
                  chat.context());
  else if (made.finish_reason == "length")
    session_.note("(cut after {} tokens: --max-tokens)", made.tokens.size());
}

void Talk::stream(Chat& chat, const Job& job, ChatReply& reply) {
  const std::string messages = conversation_.json();
  if (session_.options.json) {
    reply = chat.reply(messages, options_.choosing.generate, {}, &job);
    return;
  }
  AnswerStream stream(session_.out);
  reply = chat.reply(
      messages, options_.choosing.generate, [&](std::string_view piece) { return stream.write(piece); },
      &job);
  stream.finish();
}

void Talk::tell_stats() {
  const auto speed = [](std::int64_t tokens, double seconds) {
    return human_number(seconds > 0 ? double(tokens) / seconds : 0);
  };
  session_.note(
      "{} answers; prompts {} tokens, {} of them kept from before, {} tokens/s; generated {} tokens, {} "
      "tokens/s; peak memory {}",
      answers_, grouped(prompt_tokens_), grouped(reused_tokens_),
      speed(prompt_tokens_ - reused_tokens_, prefill_seconds_), grouped(generated_tokens_),
      speed(generated_tokens_ - answers_, decode_seconds_), human_bytes(std::int64_t(peak_memory_bytes())));
}

void Talk::finish() {
  if (!session_.options.json) {
    if (answers_ > 0) tell_stats();
    return;
  }
  session_.print_json({{"model", options_.model},
                       {"messages", conversation_.messages()},
                       {"answers", answers_},
                       {"prompt_tokens", prompt_tokens_},
                       {"reused_tokens", reused_tokens_},
                       {"generated_tokens", generated_tokens_},
                       {"load_seconds", session_.load_seconds()},
                       {"prefill_seconds", prefill_seconds_},
                       {"decode_seconds", decode_seconds_},
                       {"peak_memory_bytes", peak_memory_bytes()}});
}

}  // namespace

Action setup_chat(CommandLine& line) {
  auto options = std::make_shared<TalkOptions>();
  GenerateOptions& generate = options->choosing.generate;
  generate.max_new_tokens = 1024;
  line.describe(
      "Lines typed at a terminal, or read from a pipe, are messages; the answers stream to standard output.\n"
      "Lines that begin with a slash are commands: /help lists them. Ctrl-C stops an answer.");
  line.positional("MODEL", options->model, "A decoder, best one that was trained for conversations");
  line.group("Conversation");
  line.text("--system", options->system, "TEXT", "The system prompt");
  line.text("--messages", options->messages, "FILE",
            "Go on with this conversation (JSON, OpenAI's messages)");
  line.text("--chat-template", options->chat_template, "NAME|FILE",
            fmt::format("In place of the model's own: a Jinja file, another of the model's, or one of {}",
                        fmt::join(chat_template_names(), ", ")));
  line.text("--template-variables", options->variables, "JSON",
            "An object of more that the template may name, as {\"enable_thinking\": false}");
  line.text("--tools", options->tools, "FILE",
            "A JSON list of functions that the template shows to the model");
  line.number<std::int64_t>("--context", options->context,
                            "Tokens of conversation; 0: what the model allows, at most 4096", 0);
  line.flag("--context-shift", options->context_shift,
            "Leave out the oldest turns when the context is full, but never the system prompt");
  line.flag("--print-prompt", options->print_prompt, "Print what the model would read, and leave");
  line.group("Generation");
  line.number<std::int64_t>("-n,--max-tokens", generate.max_new_tokens, "Tokens of an answer at most", 1);
  line.number<std::int64_t>("--min-tokens", generate.min_new_tokens, "No end token before so many tokens", 0);
  options->choosing.add_stops(line);
  options->choosing.add_prompt_cache(line);
  line.group("Speculation (docs/generation.md)");
  options->choosing.add_speculation(line);
  options->choosing.add(line);
  line.machine_options();
  line.cache_option();
  line.output_options();
  line.examples({"swiftlet chat qwen2-0.5b-instruct --system \"You are brief.\"",
                 "swiftlet chat model.swiftlet --temperature 0.7 --top-p 0.9 --context 8192 --context-shift",
                 "printf 'Hello\\nAnd in French?\\n' | swiftlet chat model --json"});
  return [options](Session& session) {
    options->choosing.check("chat");
    check_apart("chat", "--prompt-cache", options->choosing.generate.prompt_cache,
                {options->model, options->messages});
    return Talk(session, *options).run();
  };
}

}  // namespace swiftlet::cli
