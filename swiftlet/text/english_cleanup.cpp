#include "swiftlet/text/english_cleanup.h"

#include <array>

namespace swiftlet::text {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  if (from.empty() || text.find(from) == std::string::npos) return;
  std::string out;
  std::size_t last = 0;
  for (std::size_t at; (at = text.find(from, last)) != std::string::npos; last = at + from.size())
    out.append(text, last, at - last).append(to);
  text = out.append(text, last);
}

void clean_up_english(std::string& text) {
  struct Rule {
    std::string_view from, to;
  };
  constexpr std::array kRules = {
      Rule{" .", "."},   Rule{" ?", "?"},     Rule{" !", "!"},     Rule{" ,", ","},
      Rule{" ' ", "'"},  Rule{" n't", "n't"}, Rule{" 'm", "'m"},   Rule{" do not", " don't"},
      Rule{" 's", "'s"}, Rule{" 've", "'ve"}, Rule{" 're", "'re"},
  };
  for (const Rule& rule : kRules) replace_all(text, rule.from, rule.to);
}

}  // namespace swiftlet::text
