// swiftlet help [COMMAND] | --man
#include "swiftlet/cli/help.h"

#include <fmt/format.h>

#include <memory>

#include "swiftlet/cli/command.h"

namespace swiftlet::cli {
namespace {

struct HelpOptions {
  std::string command;
  bool man = false;
};

std::string help_of(const std::string& name) {
  const Command& command = *find_command(name);
  CommandLine line(command.name, command.summary);
  command.setup(line);
  return line.help();
}

}  // namespace

std::string top_help() {
  std::string out = fmt::format("{}\n\nUsage: swiftlet COMMAND [ARGUMENTS] [OPTIONS]\n\nCommands:\n", kAbout);
  for (const Command& command : commands()) out += fmt::format("  {:<12}{}\n", command.name, command.summary);
  out += fmt::format("\n{}\n\n{}\n\nEnvironment:\n", kAboutOptions, kAboutModels);
  for (const Topic& variable : kEnvironment)
    out += fmt::format("  {:<17}{}\n", variable.term, variable.meaning);
  out += "\nExit status:\n";
  for (const Topic& status : kExitStatuses) out += fmt::format("  {:>3} {}\n", status.term, status.meaning);
  return out;
}

Action setup_help(CommandLine& line) {
  auto options = std::make_shared<HelpOptions>();
  line.describe("Without COMMAND: what there is.");
  line.choice("COMMAND", options->command, command_names(), "The command to explain");
  line.group("Manual");
  line.flag("--man", options->man, "Print the manual page, all commands in one, in roff");
  line.examples({"swiftlet help compress", "swiftlet help --man | man -l -"});
  return [options](Session& session) {
    if (options->man && !options->command.empty())
      wrong_use("help", "either COMMAND or --man was expected, both came");
    session.out.write(options->man               ? manual_page()
                      : options->command.empty() ? top_help()
                                                 : help_of(options->command));
    return kDone;
  };
}

}  // namespace swiftlet::cli
