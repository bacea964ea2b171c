#include "swiftlet/cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <type_traits>

namespace swiftlet::cli {
namespace {

constexpr const char* kName = "NAME";  // stands for choices too long for the left column

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  return fmt::format("{}", fmt::join(parts, between));
}

std::string left_column(const OptionInfo& option) {
  std::string text = "  " + joined(option.names, ", ");
  if (option.positional && option.many) text += "...";
  if (!option.positional && !option.value.empty()) text += " " + option.value;
  return text;
}

// Breaks at spaces; lines after the first are indented.
std::string wrapped(const std::string& text, std::size_t indent, std::size_t width) {
  std::string out, line;
  for (const std::string& word : CLI::detail::split(text, ' ')) {
    if (!line.empty() && indent + line.size() + 1 + word.size() > width) {
      out += line + "\n" + std::string(indent, ' ');
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return out + line;
}

}  // namespace

std::string explanation(const OptionInfo& option) {
  std::string text = option.description;
  if (option.value == kName) text += ": " + joined(option.choices, ", ");
  if (!option.fallback.empty()) text += fmt::format(" [{}]", option.fallback);
  return text;
}

// CLI11 alone would wrap "-1" to a large number and read "010" as octal.
template <class T>
bool parse_number(const std::string& text, T& value) {
  if (!CLI::detail::lexical_cast(text, value)) return false;
  T decimal{};
  const char* end = text.data() + text.size();
  const auto [next, error] = std::from_chars(text.data(), end, decimal);
  return error == std::errc() && next == end && (decimal == value || std::isnan(double(value)));
}

CommandLine::CommandLine(std::string name, std::string summary)
    : name_(std::move(name)),
      summary_(std::move(summary)),
      group_("Options"),
      app_(std::make_unique<CLI::App>("", "swiftlet " + name_)) {
  app_->set_help_flag("-h,--help", "This text");
  app_->allow_extras();  // see take_rest() in parse.cpp
}

CommandLine::~CommandLine() = default;

CLI::Option* CommandLine::note(CLI::Option* option, const std::string& names, const std::string& value,
                               const std::string& description, const std::string& fallback) {
  OptionInfo info{group_, CLI::detail::split(names, ','), value, description, fallback};
  info.positional = names.front() != '-';
  options_.push_back(std::move(info));
  return option;
}

void CommandLine::positional(const std::string& name, std::string& target, const std::string& description,
                             bool required) {
  note(app_->add_option(name, target), name, name, description, "")->required(required);
  options_.back().required = required;
}

void CommandLine::rest(const std::string& name, std::vector<std::string>& target,
                       const std::string& description) {
  // Not CLI11's: it would take "[a, b]" apart. See take_rest().
  note(nullptr, name, name, description, "");
  options_.back().many = true;
  rest_ = &target;
}

void CommandLine::flag(const std::string& names, bool& target, const std::string& description) {
  note(app_->add_flag(names, target), names, "", description, "");
}

void CommandLine::toggle(const std::string& name, bool& target, const std::string& description) {
  const std::string opposite = "--no-" + name.substr(2);
  note(app_->add_flag(name + ",!" + opposite, target), name, "", description, "");
}

void CommandLine::text(const std::string& names, std::string& target, const std::string& value,
                       const std::string& description, bool required) {
  CLI::Option* option = note(app_->add_option(names, target), names, value, description, target);
  options_.back().required = required;
  option->required(required)->take_last();
  // An unset variable of a script is no value.
  option->check([](const std::string& given) { return given.empty() ? "must not be empty" : std::string(); });
}

void CommandLine::texts(const std::string& names, std::vector<std::string>& target, const std::string& value,
                        const std::string& description) {
  CLI::Option* option = note(app_->add_option(names, target), names, value, description, "");
  option->allow_extra_args(false);  // one value each time, so that positionals may follow
  options_.back().many = true;
}

void CommandLine::choice(const std::string& names, std::string& target, std::vector<std::string> choices,
                         const std::string& description, const std::string& fallback, bool required) {
  std::string value = joined(choices, "|");
  if (value.size() > 20) value = kName;
  CLI::Option* option =
      note(app_->add_option(names, target), names, value, description, target.empty() ? fallback : target);
  options_.back().choices = choices;
  options_.back().required = required;
  option->required(required)->take_last();
  option->check([choices](const std::string& text) -> std::string {
    if (std::find(choices.begin(), choices.end(), text) != choices.end()) return {};
    return fmt::format("must be one of {}, not {}", joined(choices, ", "), text);
  });
}

template <class T>
void CommandLine::number(const std::string& names, T& target, const std::string& description, T low, T high) {
  CLI::Option* option = note(app_->add_option(names, target), names, "N", description,
                             std::is_integral_v<T> ? std::to_string(target) : CLI::detail::to_string(target));
  option->take_last();
  option->check([low, high](const std::string& text) -> std::string {
    T value{};
    double any = 0;  // a number, though not one of this type
    const bool parsed = parse_number(text, value), number = parsed || parse_number(text, any);
    if (parsed && value >= low && value <= high) return {};  // not a number fails both
    if (!parsed && any != std::floor(any)) return "a whole number was expected, not " + text;
    const bool inside = any >= double(low) && any <= double(high);  // but written as 010 or 1e3
    if (!number || (!parsed && inside)) return "a number was expected, not " + text;
    std::string range = "at least " + CLI::detail::to_string(low);
    if (!parsed || high != std::numeric_limits<T>::max())
      range += " and at most " + CLI::detail::to_string(high);
    return "must be " + range + ", not " + text;
  });
}

void CommandLine::planned(const std::string& name, std::function<void()> answer) {
  app_->add_option_function<std::string>(name, [answer](const std::string&) { answer(); })->group("");
}

bool CommandLine::given(const std::string& name) const {
  return app_->count(name) > 0;
}

void CommandLine::machine_options(bool with_load) {
  group("Machine");
  number("--threads", common_.threads, "CPU threads; 0: the physical cores it may use", 0, 4096);
  if (!with_load) return;
  choice("--device", common_.device, {"cpu", "cuda"}, "Where the model runs");
  choice("--precision", common_.precision, {"f32", "bf16", "int8"},
         "Arithmetic of the matrix products; f32 is the reference", "as the weights are stored");
}

void CommandLine::cache_option() {
  choice("--cache", common_.cache, {"f32", "bf16", "int8"}, "Keys and values that a decoder keeps",
         "as wide as the weights, at most bf16");
}

void CommandLine::output_options() {
  if (std::any_of(options_.begin(), options_.end(),
                  [](const OptionInfo& option) { return option.names.front() == "MODEL"; })) {
    group("Hub");
    flag("--offline", common_.offline, "No connection: of names of the hub only what the cache holds");
  }
  group("Output");
  flag("--json", common_.json, "One JSON object on standard output");
  flag("-q,--quiet", common_.quiet, "Results, warnings and errors only: no progress, no statistics");
}

std::string CommandLine::usage() const {
  std::string text = "swiftlet " + name_;
  for (const OptionInfo& option : options_) {
    std::string part = option.names.front() + (option.positional ? "" : " " + option.value);
    if (option.positional && option.many) part += "...";
    if (option.required) text += " " + part;
    if (!option.required && option.positional) text += " [" + part + "]";
  }
  return text + " [OPTIONS]";
}

std::vector<CommandLine::Section> CommandLine::sections() const {
  std::vector<Section> sections{{"Arguments", {}}};
  for (const OptionInfo& option : options_) {
    const std::string& title = option.positional ? sections.front().title : option.group;
    auto section = std::find_if(sections.begin(), sections.end(),
                                [&](const Section& candidate) { return candidate.title == title; });
    if (section == sections.end()) section = sections.insert(section, Section{title, {}});
    section->options.push_back(&option);
  }
  if (sections.front().options.empty()) sections.erase(sections.begin());
  return sections;
}

std::string CommandLine::help() const {
  constexpr std::size_t kColumn = 30, kWidth = 100;
  std::string out = summary_ + "\n\nUsage: " + usage() + "\n";
  if (!description_.empty()) out += "\n" + description_ + "\n";
  for (const Section& section : sections()) {
    out += "\n" + section.title + ":\n";
    for (const OptionInfo* option : section.options) {
      std::string left = left_column(*option);
      if (left.size() + 2 > kColumn)
        left += "\n" + std::string(kColumn, ' ');
      else
        left.resize(kColumn, ' ');
      out += left + wrapped(explanation(*option), kColumn, kWidth) + "\n";
    }
  }
  if (!examples_.empty()) out += "\nExamples:\n";
  for (const std::string& line : examples_) out += "  " + line + "\n";
  return out;
}

template bool parse_number(const std::string&, int&);
template bool parse_number(const std::string&, std::int64_t&);
template bool parse_number(const std::string&, std::uint64_t&);
template bool parse_number(const std::string&, double&);
template void CommandLine::number(const std::string&, int&, const std::string&, int, int);
template void CommandLine::number(const std::string&, std::int64_t&, const std::string&, std::int64_t,
                                  std::int64_t);
template void CommandLine::number(const std::string&, std::uint64_t&, const std::string&, std::uint64_t,
                                  std::uint64_t);
template void CommandLine::number(const std::string&, double&, const std::string&, double, double);

}  // namespace swiftlet::cli
