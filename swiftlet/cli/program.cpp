// From arguments to an exit status: picks the subcommand, parses its options, reports what went wrong.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <new>

#include "swiftlet/cli/command.h"
#include "swiftlet/cli/help.h"
#include "swiftlet/core/one_line.h"

namespace swiftlet::cli {
namespace {

// Commands of the design that are still to come.
constexpr const char* kPlanned[] = {"translate", "summarize", "train", "serve"};

void report(std::string_view message, std::string_view hint) {
  write_stderr(fmt::format("swiftlet: error: {}\n", one_line(message)));
  if (!hint.empty()) write_stderr(fmt::format("swiftlet: hint: {}\n", hint));
}

[[noreturn]] void unknown_command(const std::string& word) {
  const std::vector<std::string> names = command_names();
  const std::string list = fmt::format("{}", fmt::join(names, ", "));
  if (std::find(std::begin(kPlanned), std::end(kPlanned), word) != std::end(kPlanned))
    wrong_use(word, fmt::format("this command does not exist yet in version {}", version()),
              "there are " + list);
  if (word.starts_with('-'))
    wrong_use(word, "a command was expected before the options", "swiftlet COMMAND " + word + " ...");
  const std::string guess = nearest(word, names);
  wrong_use(word, "no such command",
            guess.empty() ? "there are " + list : fmt::format("did you mean `swiftlet {}`?", guess));
}

int dispatch(const std::vector<std::string>& words, Output& out) {
  if (words.empty()) {
    write_stderr(top_help());
    return kWrongUse;
  }
  std::string name = words.front();
  if (name == "-h" || name == "--help") {
    out.write(top_help());
    return kDone;
  }
  if (name == "--version") name = "version";
  const Command* command = find_command(name);
  if (command == nullptr) unknown_command(name);
  CommandLine line(command->name, command->summary);
  const Action action = command->setup(line);
  if (!line.parse({words.begin() + 1, words.end()})) {
    out.write(line.help());
    return kDone;
  }
  Session session(line.common(), out);
  return action(session);
}

int status_of(const Error& error) {
  if (error.code() == ErrorCode::kUsage) return kWrongUse;
  return kFailed;
}

// Calls `work` and turns whatever it throws into a line and a status.
int guarded(const std::function<int()>& work) {
  try {
    return work();
  } catch (const OutputClosed&) {
    return kDone;  // the reader had enough
  } catch (const Failure& failure) {
    report(failure.what(), failure.hint);
    return failure.status;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled && interrupted_status() != 0) {
      write_stderr("swiftlet: interrupted\n");
      return interrupted_status();
    }
    report(error.what(), "");
    return status_of(error);
  } catch (const std::filesystem::filesystem_error& error) {
    report(fmt::format("[{}] {}", error.path1().string(), error.code().message()), "");
    return kFailed;
  } catch (const std::bad_alloc&) {
    report("[memory] the system has no more of it", "");
    return kFailed;
  } catch (const std::exception& error) {
    report(fmt::format("[internal] {}", error.what()), "this is a fault of the program; please report it");
    return kFailed;
  }
}

}  // namespace

int run_program(int argc, char** argv) {
  reserve_standard_streams();
  std::signal(SIGPIPE, SIG_IGN);  // a reader that went away is an error of write, see Output
  std::signal(SIGXFSZ, SIG_IGN);  // so is a file beyond what the shell allows (ulimit -f)
  Output out;
  const int status = guarded([&] { return dispatch({argv + 1, argv + argc}, out); });
  // What was printed before an error is written too.
  const int flushed = guarded([&] {
    out.flush();
    return kDone;
  });
  return status != kDone ? status : flushed;
}

}  // namespace swiftlet::cli
