// A template's text cut into tokens: data between the tags, and what stands in them.
//
// White space is handled here, as with trim_blocks and lstrip_blocks of Jinja: the newline after a block tag
// goes, so do the blanks of a line before one; `-` takes all white space on its side, `+` keeps it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/text/jinja_runtime.h"

namespace swiftlet::text::jinja {

enum class TokenKind : std::uint8_t {
  kData,
  kOpenBlock,
  kCloseBlock,
  kOpenPrint,
  kClosePrint,
  kName,
  kString,
  kInteger,
  kFloat,
  kOperator,
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  int line = 1;
  std::string text;  // a string with its escapes resolved, a number without underscores
  bool is(TokenKind wanted) const { return kind == wanted; }
  bool is(TokenKind wanted, std::string_view value) const { return kind == wanted && text == value; }
  bool is_operator(std::string_view value) const { return is(TokenKind::kOperator, value); }
  bool is_name(std::string_view value) const { return is(TokenKind::kName, value); }
};

// All tokens, the last of kind kEnd. Fails through `run` with the line. `source` must be valid UTF-8.
std::vector<Token> tokenize(std::string_view source, Runtime& run);

}  // namespace swiftlet::text::jinja
