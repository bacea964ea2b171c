// swiftlet completion bash|zsh|fish: scripts made from the declared options, so they never fall behind.
#include <algorithm>
#include <memory>

#include "swiftlet/cli/command.h"

namespace swiftlet::cli {
namespace {

// Values that no file name can be.
bool takes_no_file(const OptionInfo& option) {
  return option.value == "N" || option.value == "TEXT" || option.value == "LOSS" ||
         option.value == "PATTERN" || option.value == "PROMPT" || option.value == "QUERY";
}

std::string option_names(const CommandLine& line) {
  std::string words = "--help";
  for (const OptionInfo& option : line.options())
    if (!option.positional) words += " " + option.names.back();
  return words;
}

std::string bash_case(const CommandLine& line) {
  std::string out = fmt::format("    {})\n      options=\"{}\"\n", line.name(), option_names(line));
  std::string cases, positional;
  for (const OptionInfo& option : line.options()) {
    if (option.positional && !option.choices.empty())
      positional = fmt::format("      words=\"{}\"\n", fmt::join(option.choices, " "));
    if (option.positional || option.value.empty()) continue;
    const std::string names = fmt::format("{}", fmt::join(option.names, "|"));
    if (!option.choices.empty())
      cases += fmt::format("        {}) words=\"{}\"; options= ;;\n", names, fmt::join(option.choices, " "));
    else if (takes_no_file(option))
      cases += fmt::format("        {}) return ;;\n", names);
    else
      cases += fmt::format("        {}) options= ;;\n", names);
  }
  out += positional;
  if (!cases.empty())
    out += "      case $before in\n" + cases + "      esac ;;\n";
  else
    out += "      ;;\n";
  return out;
}

std::string bash_script() {
  std::string names, cases;
  for (const auto& line : command_lines()) {
    names += (names.empty() ? "" : " ") + line->name();
    cases += bash_case(*line);
  }
  return fmt::format(R"(# bash completion of swiftlet; to use it:  source <(swiftlet completion bash)
_swiftlet() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} options= words=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{0} --help --version" -- "$current"))
    return
  fi
  case ${{COMP_WORDS[1]}} in
{1}    *) return ;;
  esac
  if [ -n "$options" ] && [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  elif [ -n "$words" ]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  else
    compopt -o filenames 2> /dev/null
    local file
    while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -- "$current")
  fi
}}
complete -F _swiftlet swiftlet
)",
                     names, cases);
}

// For use inside single quotes.
std::string quoted(const std::string& text, std::string_view also_escape = "") {
  std::string out;
  for (const char c : text) {
    if (c == '\'') out += "'\\'";
    if (also_escape.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_value(const OptionInfo& option) {
  if (!option.choices.empty()) return fmt::format(":value:({})", fmt::join(option.choices, " "));
  return fmt::format(":{}:{}", option.value, takes_no_file(option) ? "" : "_files");
}

std::string zsh_spec(const OptionInfo& option) {
  if (option.positional) {
    std::string value = zsh_value(option);
    return fmt::format("      '{}{}'", option.many ? "*" : option.required ? "" : ":", value);
  }
  std::string out;
  for (const std::string& name : option.names) {
    if (!out.empty()) out += " \\\n";
    out += fmt::format("      '{}{}[{}]{}'", option.many ? "*" : "", name, quoted(option.description, "[]:"),
                       option.value.empty() ? "" : zsh_value(option));
  }
  return out;
}

std::string zsh_script() {
  std::string list, cases;
  for (const auto& line : command_lines()) {
    list += fmt::format("    '{}:{}'\n", line->name(), quoted(line->summary(), ":"));
    cases += fmt::format("    {}) _arguments -s \\\n      '(-h --help)'{{-h,--help}}'[help]'", line->name());
    for (const OptionInfo& option : line->options()) cases += " \\\n" + zsh_spec(option);
    cases += " ;;\n";
  }
  return fmt::format(R"(#compdef swiftlet
# zsh completion of swiftlet; to use it:  source <(swiftlet completion zsh)
_swiftlet() {{
  local -a commands=(
{}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
{}  esac
}}
if [ "$funcstack[1]" = _swiftlet ]; then _swiftlet "$@"; else compdef _swiftlet swiftlet; fi
)",
                     list, cases);
}

std::string fish_option(const std::string& command, const OptionInfo& option) {
  std::string out = fmt::format("complete -c swiftlet -n '__fish_seen_subcommand_from {}'", command);
  for (const std::string& name : option.names)
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (!option.choices.empty())
    out += fmt::format(" -x -a '{}'", fmt::join(option.choices, " "));
  else if (!option.value.empty())
    out += takes_no_file(option) ? " -x" : " -r -F";
  return out + fmt::format(" -d '{}'\n", quoted(option.description));
}

std::string fish_script() {
  std::string out = "# fish completion of swiftlet; to use it:  swiftlet completion fish | source\n";
  for (const auto& line : command_lines()) {
    out += fmt::format("complete -c swiftlet -n __fish_use_subcommand -f -a {} -d '{}'\n", line->name(),
                       quoted(line->summary()));
    for (const OptionInfo& option : line->options()) {
      if (!option.positional) {
        out += fish_option(line->name(), option);
      } else if (!option.choices.empty()) {
        out += fmt::format("complete -c swiftlet -n '__fish_seen_subcommand_from {}' -f -a '{}'\n",
                           line->name(), fmt::join(option.choices, " "));
      }
    }
  }
  return out;
}

}  // namespace

Action setup_completion(CommandLine& line) {
  auto shell = std::make_shared<std::string>();
  line.describe("Made from the options themselves; put it into the shell's start file.");
  line.choice("SHELL", *shell, {"bash", "zsh", "fish"}, "The shell", "", true);
  line.examples({"source <(swiftlet completion bash)", "source <(swiftlet completion zsh)",
                 "swiftlet completion fish | source"});
  return [shell](Session& session) {
    session.out.write(*shell == "bash" ? bash_script() : *shell == "zsh" ? zsh_script() : fish_script());
    return kDone;
  };
}

}  // namespace swiftlet::cli
