// What a running subcommand has at hand: the common options, the job that an interrupt cancels, standard
// output, the progress bar.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "swiftlet/cli/command_line.h"
#include "swiftlet/cli/interrupt.h"
#include "swiftlet/cli/output.h"
#include "swiftlet/cli/progress.h"
#include "swiftlet/core/error.h"
#include "swiftlet/job.h"
#include "swiftlet/swiftlet.h"

namespace swiftlet::cli {

using Json = nlohmann::ordered_json;

// Exit statuses. An interrupt that ended cleanly is 128 + the signal: 130.
constexpr int kDone = 0, kFailed = 1, kWrongUse = 2, kBudgetBroken = 3;

// An error of the command line's own, with a hint how to go on.
struct Failure : std::runtime_error {
  Failure(int exit_status, const std::string& message, std::string a_hint = {})
      : std::runtime_error(message), status(exit_status), hint(std::move(a_hint)) {}
  int status;
  std::string hint;
};

class Session {
 public:
  Session(const CommonOptions& common, Output& output);
  ~Session();

  const CommonOptions& options;
  Output& out;
  Progress progress;
  Job job;  // reports to `progress`

  // The path of a model, downloaded first where it is a name of the hub; a missing one gets a hint.
  std::string fetch(const std::string& name);
  // Loads with the common options what fetch() finds; `precision` counts where the user gave none. A draft
  // model is loaded beside it.
  Model load(const std::string& name, const std::string& precision = {}, const std::string& draft_model = {});
  double load_seconds() const { return load_seconds_; }
  LoadOptions load_options() const;

  void print_json(const Json& object);
  // A line on standard error, unless --quiet or --json.
  template <class... Args>
  void note(fmt::format_string<Args...> format, Args&&... args) {
    if (!options.quiet && !options.json) write_note(fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  void write_note(const std::string& text);
  InterruptGuard guard_;
  double load_seconds_ = 0;
};

// A file that `option` asks to write may be none of `others`, nor lie in one that is a folder: wrong use.
void check_apart(const std::string& command, const char* option, const std::string& path,
                 const std::vector<std::string>& others);
// Windows are of tasks that go through a text: wrong use with another, or when --stride would leave gaps.
void check_window(const std::string& command, const std::string& task, std::int64_t context,
                  std::int64_t stride);
// Warns of texts that were cut to what the model takes.
void warn_of_cut(std::int64_t cut, std::int64_t texts);
// Native files are known by their name: wrong use unless it ends in .swiftlet.
void check_native_name(const std::string& path);

// [where] message, as the library's errors; status 2.
[[noreturn]] void wrong_use(const std::string& where, const std::string& message,
                            const std::string& hint = {});

}  // namespace swiftlet::cli
