#include "swiftlet/cli/roff.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace swiftlet::cli {

std::string roff_escaped(std::string_view text) {
  struct Escape {
    char plain;
    std::string_view roff;
  };
  constexpr std::array<Escape, 7> kEscapes{{{'\\', "\\e"},
                                            {'-', "\\-"},
                                            {'\'', "\\(aq"},
                                            {'"', "\\(dq"},
                                            {'`', "\\(ga"},
                                            {'^', "\\(ha"},
                                            {'~', "\\(ti"}}};
  std::string out;
  for (const char c : text) {
    const auto escape =
        std::find_if(kEscapes.begin(), kEscapes.end(), [c](const Escape& e) { return e.plain == c; });
    if (escape != kEscapes.end())
      out += escape->roff;
    else
      out += c;
  }
  return out;
}

std::string roff_bold(std::string_view text) {
  return "\\fB" + roff_escaped(text) + "\\fR";
}

std::string roff_italic(std::string_view text) {
  return "\\fI" + roff_escaped(text) + "\\fR";
}

std::string roff_prose(std::string_view text) {
  std::string out;
  for (;;) {
    const std::size_t open = text.find('`');
    const std::size_t close = open == std::string_view::npos ? open : text.find('`', open + 1);
    if (close == std::string_view::npos) return out + roff_escaped(text);
    out += roff_escaped(text.substr(0, open)) + roff_bold(text.substr(open + 1, close - open - 1));
    text.remove_prefix(close + 1);
  }
}

// No date: the same sources give the same page.
ManualPage::ManualPage(std::string_view name, int section, std::string_view source)
    : text_(fmt::format(".TH {} {} \"\" \"{}\" \"User Commands\"\n", roff_escaped(name), section,
                        roff_escaped(source))) {}

void ManualPage::section(std::string_view title) {
  text_ += fmt::format(".SH {}\n", roff_escaped(title));
  after_heading_ = true;
}

void ManualPage::subsection(std::string_view title) {
  text_ += fmt::format(".SS {}\n", roff_escaped(title));
  after_heading_ = true;
}

void ManualPage::paragraph(std::string_view roff) {
  start_paragraph();
  lines(roff);
}

void ManualPage::item(std::string_view term, std::string_view roff) {
  text_ += ".TP\n";
  after_heading_ = false;
  lines(term);
  lines(roff);
}

void ManualPage::verbatim(const std::vector<std::string>& roff_lines) {
  start_paragraph();
  text_ += ".RS 4\n.nf\n";
  for (const std::string& line : roff_lines) lines(line);
  text_ += ".fi\n.RE\n";
}

// A heading starts one itself.
void ManualPage::start_paragraph() {
  if (!after_heading_) text_ += ".PP\n";
  after_heading_ = false;
}

// A dot or an apostrophe at the start of a line calls a request; \& stands before it and prints nothing.
void ManualPage::lines(std::string_view roff) {
  while (!roff.empty()) {
    const std::size_t end = std::min(roff.find('\n'), roff.size());
    const std::string_view line = roff.substr(0, end);
    if (line.starts_with('.') || line.starts_with('\'')) text_ += "\\&";
    text_ += line;
    text_ += '\n';
    roff.remove_prefix(std::min(end + 1, roff.size()));
  }
}

}  // namespace swiftlet::cli
