// What Split and Replace look for: {"String": "..."} or {"Regex": "..."} of a tokenizer file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/text/json_view.h"
#include "swiftlet/text/regex.h"

namespace swiftlet::text {

class Pattern {
 public:
  explicit Pattern(const JsonView& json);

  // Appends the places of all matches, from left to right.
  void find_all(std::string_view text, std::vector<Span>& out) const {
    regex_ ? regex_->find_all(text, out) : find_literal(text, literal_, out);
  }

  // At least so many bytes lie between the begins of two matches, in the mean; empty ones stand on both sides
  // of a character.
  double least_bytes() const {
    return regex_ || literal_.empty() ? 0.5 : static_cast<double>(literal_.size());
  }

 private:
  std::string literal_;
  std::optional<Regex> regex_;
};

}  // namespace swiftlet::text
