// The options of one subcommand: declared once, read by the parser (CLI11), the help, the manual page and the
// completion scripts.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

// CLI11 is a large header: only the files that declare and parse read it.
namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace swiftlet::cli {

// What every subcommand understands, where it applies.
struct CommonOptions {
  int threads = 0;
  std::string device = "cpu", precision, cache;
  bool offline = false;
  bool json = false, quiet = false;
};

struct OptionInfo {
  std::string group;
  std::vector<std::string> names;  // "-o", "--output"; a positional has one without dashes
  std::string value;               // "N", "FILE", ...; empty for a flag
  std::string description;
  std::string fallback;  // the default as text, empty when there is none to tell
  std::vector<std::string> choices;
  bool positional = false, many = false, required = false;
};

// The description with the choices and the default, where there are some.
std::string explanation(const OptionInfo& option);

// Decimal, the whole text. For the types of the options: int, 64-bit integers, double.
template <class T>
bool parse_number(const std::string& text, T& value);

class CommandLine {
 public:
  // The options under one heading, in the order of their declaration; "Arguments" come first.
  struct Section {
    std::string title;
    std::vector<const OptionInfo*> options;
  };

  CommandLine(std::string name, std::string summary);
  ~CommandLine();

  // The heading for the options that follow.
  void group(std::string title) { group_ = std::move(title); }
  // Lines after the usage line: a paragraph, or "term  meaning" with at least two spaces between. Lines after
  // "Examples:" as a user would type them.
  void describe(std::string text) { description_ = std::move(text); }
  void examples(std::vector<std::string> lines) { examples_ = std::move(lines); }

  void positional(const std::string& name, std::string& target, const std::string& description,
                  bool required = true);
  // All that is left after the other positionals.
  void rest(const std::string& name, std::vector<std::string>& target, const std::string& description);
  void flag(const std::string& names, bool& target, const std::string& description);
  // A flag --name that --no-name takes back; the last one counts.
  void toggle(const std::string& name, bool& target, const std::string& description);
  void text(const std::string& names, std::string& target, const std::string& value,
            const std::string& description, bool required = false);
  // May be repeated.
  void texts(const std::string& names, std::vector<std::string>& target, const std::string& value,
             const std::string& description);
  // `fallback` tells what an empty target means.
  void choice(const std::string& names, std::string& target, std::vector<std::string> choices,
              const std::string& description, const std::string& fallback = {}, bool required = false);
  // Within [low, high]. T as in parse_number().
  template <class T>
  void number(const std::string& names, T& target, const std::string& description, T low,
              T high = std::numeric_limits<T>::max());
  // An option with a value that is not there yet: left out of the help; `answer` throws when it is used.
  void planned(const std::string& name, std::function<void()> answer);

  // Groups "Machine" and "Output": --threads, --device, --precision; --json, --quiet; with the latter
  // --offline for commands that take a MODEL.
  void machine_options(bool with_load = true);
  void cache_option();  // --cache, behind the machine's
  void output_options();

  const std::string& name() const { return name_; }
  const std::string& summary() const { return summary_; }
  const std::string& description() const { return description_; }
  const std::vector<std::string>& example_lines() const { return examples_; }
  const std::vector<OptionInfo>& options() const { return options_; }
  std::vector<Section> sections() const;
  std::string usage() const;  // "swiftlet NAME ARGUMENTS [OPTIONS]"
  const CommonOptions& common() const { return common_; }
  std::string help() const;
  // Reads `words` into the targets. False when --help was asked for; throws Failure for wrong use.
  bool parse(std::vector<std::string> words);
  // Whether the user named the option, after parse().
  bool given(const std::string& name) const;

 private:
  CLI::Option* note(CLI::Option* option, const std::string& names, const std::string& value,
                    const std::string& description, const std::string& fallback);
  void take_rest();
  std::string name_, summary_, description_, group_;
  std::vector<std::string> examples_;
  std::vector<OptionInfo> options_;
  std::vector<std::string>* rest_ = nullptr;
  CommonOptions common_;
  std::unique_ptr<CLI::App> app_;
};

}  // namespace swiftlet::cli
