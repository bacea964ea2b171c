// Parsing the words of one subcommand; what is wrong becomes a Failure with a hint.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "swiftlet/cli/command.h"

namespace swiftlet::cli {
namespace {

bool is_option(const std::string& word) {
  return word.size() > 1 && word.starts_with('-') && word != "--";
}

[[noreturn]] void unknown_option(const CommandLine& line, const std::string& word) {
  std::vector<std::string> names{"--help"};
  for (const OptionInfo& option : line.options())
    if (!option.positional) names.push_back(option.names.back());
  const std::string guess = nearest(word.substr(0, word.find('=')), names);
  const std::string hint = guess.empty()
                               ? fmt::format(
                                     "`swiftlet {} --help` lists the options; a text that begins with a dash "
                                     "goes after --",
                                     line.name())
                               : fmt::format("did you mean {}?", guess);
  wrong_use(line.name(), "unknown option " + word, hint);
}

}  // namespace

// What CLI11 left over: texts of the positional that takes many, or mistakes. "--" ends the options.
void CommandLine::take_rest() {
  bool options_ended = false;
  for (std::string& word : app_->remaining()) {
    if (!options_ended && word == "--") {
      options_ended = true;
      continue;
    }
    if (!options_ended && is_option(word)) unknown_option(*this, word);
    if (rest_ == nullptr)
      wrong_use(name_, "unexpected argument " + word,
                fmt::format("a text with spaces needs quotes; `swiftlet {} --help` shows the usage", name_));
    rest_->push_back(std::move(word));
  }
}

bool CommandLine::parse(std::vector<std::string> words) {
  std::reverse(words.begin(), words.end());  // as CLI11 wants them
  try {
    app_->parse(words);
  } catch (const CLI::CallForHelp&) {
    return false;
  } catch (const CLI::ArgumentMismatch& error) {  // "--top-k: 1 required INT missing"
    const std::string text = error.what();
    wrong_use(name_, text.substr(0, text.find(':')) + ": a value was expected, none came");
  } catch (const CLI::ParseError& error) {
    // An unknown option is likelier the cause than what is missing.
    for (const std::string& word : app_->remaining())
      if (is_option(word)) unknown_option(*this, word);
    wrong_use(name_, error.what(), fmt::format("`swiftlet {} --help` shows the usage", name_));
  }
  take_rest();
  return true;
}

}  // namespace swiftlet::cli
