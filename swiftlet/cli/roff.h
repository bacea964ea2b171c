// A manual page in the macros of man(7): plain text goes in, roff that prints it as it was comes out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace swiftlet::cli {

// Plain text as roff prints it: backslashes, dashes (a bare one may become a hyphen that no shell knows), and
// the quotes and signs that roff would turn into typographic ones. Not for the start of a line: ManualPage
// sees to that.
std::string roff_escaped(std::string_view text);
std::string roff_bold(std::string_view text);
std::string roff_italic(std::string_view text);
// Escaped; what stands between two backticks becomes bold.
std::string roff_prose(std::string_view text);

class ManualPage {
 public:
  // `source` tells what the page belongs to: "swiftlet 1.0.0".
  ManualPage(std::string_view name, int section, std::string_view source);

  void section(std::string_view title);
  void subsection(std::string_view title);
  // The following take roff, escaped by the functions above. A line that begins like a request of roff is
  // guarded here.
  void paragraph(std::string_view roff);
  void item(std::string_view term, std::string_view roff);
  // Lines that keep their breaks and their spaces.
  void verbatim(const std::vector<std::string>& roff_lines);

  const std::string& text() const { return text_; }

 private:
  void start_paragraph();
  void lines(std::string_view roff);
  std::string text_;
  bool after_heading_ = false;
};

}  // namespace swiftlet::cli
