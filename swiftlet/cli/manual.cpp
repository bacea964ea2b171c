// swiftlet.1, made from the declared options as the help is, so it never falls behind.
#include "swiftlet/cli/command.h"
#include "swiftlet/cli/help.h"
#include "swiftlet/cli/roff.h"

namespace swiftlet::cli {
namespace {

// Descriptions are paragraphs, or lines of "term  meaning".
void add_description(ManualPage& page, std::string_view text) {
  std::string paragraph;
  const auto finish = [&] {
    if (!paragraph.empty()) page.paragraph(paragraph);
    paragraph.clear();
  };
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t gap = line.find("  ");
    if (gap == std::string_view::npos) {
      paragraph += roff_prose(line) + "\n";
      continue;
    }
    finish();
    page.item(roff_bold(line.substr(0, gap)), roff_prose(line.substr(line.find_first_not_of(' ', gap))));
  }
  finish();
}

std::string term_of(const OptionInfo& option) {
  std::string term;
  for (const std::string& name : option.names)
    term += (term.empty() ? "" : ", ") + (option.positional ? roff_italic(name) : roff_bold(name));
  if (option.positional && option.many) term += "...";
  if (!option.positional && !option.value.empty()) term += " " + roff_italic(option.value);
  return term;
}

void add_command(ManualPage& page, const CommandLine& line) {
  page.subsection("swiftlet " + line.name());
  page.paragraph(roff_prose(line.summary() + "."));
  page.paragraph(roff_bold("swiftlet " + line.name()) +
                 roff_escaped(line.usage().substr(std::string("swiftlet ").size() + line.name().size())));
  add_description(page, line.description());
  for (const CommandLine::Section& section : line.sections()) {
    page.paragraph(roff_escaped(section.title + ":"));
    for (const OptionInfo* option : section.options)
      page.item(term_of(*option), roff_prose(explanation(*option)));
  }
  if (line.example_lines().empty()) return;
  page.paragraph("Examples:");
  std::vector<std::string> examples;
  for (const std::string& example : line.example_lines()) examples.push_back(roff_escaped(example));
  page.verbatim(examples);
}

}  // namespace

std::string manual_page() {
  ManualPage page("SWIFTLET", 1, "swiftlet " + version());
  page.section("NAME");
  page.paragraph(
      roff_escaped("swiftlet - make a language model smaller inside an accuracy budget, and run it"));
  page.section("SYNOPSIS");
  page.paragraph(roff_bold("swiftlet") + roff_escaped(" COMMAND [ARGUMENTS] [OPTIONS]"));
  page.section("DESCRIPTION");
  for (const std::string_view text : {kAbout, kAboutModels, kAboutOptions}) add_description(page, text);
  page.section("COMMANDS");
  for (const auto& line : command_lines()) add_command(page, *line);
  page.section("ENVIRONMENT");
  for (const Topic& variable : kEnvironment)
    page.item(roff_bold(variable.term), roff_prose(variable.meaning));
  page.section("EXIT STATUS");
  for (const Topic& status : kExitStatuses) page.item(roff_bold(status.term), roff_prose(status.meaning));
  return page.text();
}

}  // namespace swiftlet::cli
