// The options of one subcommand: declared once, read by the parser (CLI11), the help and the completion
// scripts.
#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

namespace swiftlet::cli {

// What every subcommand understands, where it applies.
struct CommonOptions {
  int threads = 0;
  std::string device = "cpu", precision;
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

// Decimal, the whole text. CLI11 alone would wrap "-1" to a large number and read "010" as octal.
template <class T>
bool parse_number(const std::string& text, T& value) {
  if (!CLI::detail::lexical_cast(text, value)) return false;
  T decimal{};
  const char* end = text.data() + text.size();
  const auto [next, error] = std::from_chars(text.data(), end, decimal);
  return error == std::errc() && next == end && (decimal == value || std::isnan(double(value)));
}

class CommandLine {
 public:
  CommandLine(std::string name, std::string summary);

  // The heading for the options that follow.
  void group(std::string title) { group_ = std::move(title); }
  // Paragraphs after the usage line; lines after "Examples:" as a user would type them.
  void describe(std::string text) { description_ = std::move(text); }
  void examples(std::vector<std::string> lines) { examples_ = std::move(lines); }

  CLI::Option* positional(const std::string& name, std::string& target, const std::string& description,
                          bool required = true);
  // All that is left after the other positionals.
  void rest(const std::string& name, std::vector<std::string>& target, const std::string& description);
  CLI::Option* flag(const std::string& names, bool& target, const std::string& description);
  CLI::Option* text(const std::string& names, std::string& target, const std::string& value,
                    const std::string& description, bool required = false);
  CLI::Option* texts(const std::string& names, std::vector<std::string>& target, const std::string& value,
                     const std::string& description);
  // `fallback` tells what an empty target means.
  CLI::Option* choice(const std::string& names, std::string& target, std::vector<std::string> choices,
                      const std::string& description, const std::string& fallback = {});
  // Whole numbers within [low, high].
  template <class T>
  CLI::Option* number(const std::string& names, T& target, const std::string& description, T low,
                      T high = std::numeric_limits<T>::max());

  // A flag that was added to app() by other means.
  void note_flag(const std::string& names, const std::string& description) {
    note(nullptr, names, "", description, "");
  }
  // Makes the option declared last one that must be given.
  CLI::Option* require(CLI::Option* option) {
    options_.back().required = true;
    return option->required();
  }

  // Groups "Machine" and "Output": --threads, --device, --precision; --json, --quiet.
  void machine_options(bool with_load = true);
  void output_options();

  const std::string& name() const { return name_; }
  const std::string& summary() const { return summary_; }
  const std::vector<OptionInfo>& options() const { return options_; }
  const CommonOptions& common() const { return common_; }
  std::vector<std::string>* rest() { return rest_; }
  std::string help() const;
  CLI::App& app() { return app_; }

 private:
  CLI::Option* note(CLI::Option* option, const std::string& names, const std::string& value,
                    const std::string& description, const std::string& fallback);
  std::string usage() const;
  std::string name_, summary_, description_, group_;
  std::vector<std::string> examples_;
  std::vector<OptionInfo> options_;
  std::vector<std::string>* rest_ = nullptr;
  CommonOptions common_;
  CLI::App app_;
};

template <class T>
CLI::Option* CommandLine::number(const std::string& names, T& target, const std::string& description, T low,
                                 T high) {
  CLI::Option* option = note(app_.add_option(names, target), names, "N", description,
                             std::is_integral_v<T> ? std::to_string(target) : CLI::detail::to_string(target));
  return option->check([low, high](const std::string& text) -> std::string {
    T value{};
    if (!parse_number(text, value)) return "a number was expected, not " + text;
    if (value >= low && value <= high) return {};  // not a number fails both
    std::string range = "at least " + CLI::detail::to_string(low);
    if (high != std::numeric_limits<T>::max()) range += " and at most " + CLI::detail::to_string(high);
    return "must be " + range + ", not " + text;
  });
}

}  // namespace swiftlet::cli
