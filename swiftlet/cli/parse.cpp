// Parsing the words of one subcommand; what is wrong becomes a Failure with a hint.
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

// What CLI11 left over: texts of the positional that takes many, or mistakes. "--" ends the options.
void take_rest(CommandLine& line) {
  bool options_ended = false;
  for (std::string& word : line.app().remaining()) {
    if (!options_ended && word == "--") {
      options_ended = true;
      continue;
    }
    if (!options_ended && is_option(word)) unknown_option(line, word);
    if (line.rest() == nullptr)
      wrong_use(
          line.name(), "unexpected argument " + word,
          fmt::format("a text with spaces needs quotes; `swiftlet {} --help` shows the usage", line.name()));
    line.rest()->push_back(std::move(word));
  }
}

}  // namespace

bool parse(CommandLine& line, std::vector<std::string> words) {
  std::reverse(words.begin(), words.end());  // as CLI11 wants them
  line.app().allow_extras();
  try {
    line.app().parse(words);
  } catch (const CLI::CallForHelp&) {
    return false;
  } catch (const CLI::ParseError& error) {
    // An unknown option is likelier the cause than what is missing.
    for (const std::string& word : line.app().remaining())
      if (is_option(word)) unknown_option(line, word);
    wrong_use(line.name(), error.what(), fmt::format("`swiftlet {} --help` shows the usage", line.name()));
  }
  take_rest(line);
  return true;
}

}  // namespace swiftlet::cli
