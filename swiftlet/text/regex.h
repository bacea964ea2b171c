// Regular expressions of tokenizer files, run by PCRE2 (UTF mode, compiled to machine code where it can); the
// best known of them are recognised by their text and run by scanners of our own (pattern_scanner.h).
//
// The patterns are written for Oniguruma. What differs is translated (\s and \h, scripts, nested classes);
// what cannot be is refused. Immutable after construction and shareable between threads.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/text/normalized_text.h"
#include "swiftlet/text/pattern_scanner.h"

namespace swiftlet::text {

// Appends to `out` the places [begin, end) in which `pattern`, a literal text, occurs from left to right.
void find_literal(std::string_view text, std::string_view pattern, std::vector<Span>& out);

class Regex {
 public:
  // Throws kInvalid (or kUnsupported) with `where` when the pattern is malformed.
  Regex(std::string_view pattern, const std::string& where);
  ~Regex();
  Regex(Regex&&) noexcept;

  // Appends the places [begin, end) in which the pattern matches, from left to right, not overlapping. Throws
  // kInvalid when the pattern runs into its step limit on this text.
  void find_all(std::string_view text, std::vector<Span>& out) const;

 private:
  struct Code;
  PatternScanner scanner_ = nullptr;
  std::unique_ptr<Code> code_;  // null where there is a scanner
};

// The pattern in PCRE2's language (exposed for the tests).
std::string translate_pattern(std::string_view pattern, const std::string& where);

}  // namespace swiftlet::text
