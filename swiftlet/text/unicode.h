// Characters: UTF-8 decoding and the Unicode properties that the stages of the text pipeline ask for.
//
// Data by utf8proc. Pure functions, any thread. Texts given to char_at() must be valid UTF-8 (NormalizedText
// sees to that).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace swiftlet::text {

constexpr char32_t kReplacementCharacter = 0xFFFD;

struct Char {
  char32_t code;
  std::uint32_t bytes;  // length of its UTF-8 form, 1 to 4
};

// The character whose first byte is text[at]; at < text.size().
inline Char char_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[at + i]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first < 0xE0) return {(first & 0x1Fu) << 6 | (byte(1) & 0x3Fu), 2};
  if (first < 0xF0) return {(first & 0x0Fu) << 12 | (byte(1) & 0x3Fu) << 6 | (byte(2) & 0x3Fu), 3};
  return {(first & 0x07u) << 18 | (byte(1) & 0x3Fu) << 12 | (byte(2) & 0x3Fu) << 6 | (byte(3) & 0x3Fu), 4};
}

// The character that ends just before text[end]; end > 0.
Char char_before(std::string_view text, std::size_t end);

inline bool is_continuation_byte(char byte) {
  return (static_cast<std::uint8_t>(byte) & 0xC0) == 0x80;
}

std::size_t count_chars(std::string_view text);
bool is_ascii(std::string_view text);

void append_utf8(std::string& out, char32_t code);

// How far a maximal piece of UTF-8 reaches that starts at bytes[at]: Unicode's "substitution of maximal
// subparts", which is what the field's decoders do with malformed text.
struct Utf8Piece {
  std::uint32_t bytes;  // >= 1
  bool valid;
  bool cut_short;  // invalid, but only for want of further bytes: a stream may still complete it
};
Utf8Piece next_utf8_piece(std::string_view bytes, std::size_t at);

// Unicode White_Space.
bool is_white_space(char32_t code);
// \w of a Unicode regular expression: Alphabetic, marks, decimal digits, connectors, joiners.
bool is_word(char32_t code);
bool is_letter(char32_t code);             // categories L*
bool is_numeric(char32_t code);            // categories N*
bool is_combining_mark(char32_t code);     // categories M*
bool is_nonspacing_mark(char32_t code);    // category Mn
bool is_punctuation(char32_t code);        // categories P*, and all ASCII punctuation
bool is_control_or_format(char32_t code);  // categories Cc, Cf, Co
// The blocks of ideographs that BERT sets apart with spaces.
bool is_chinese(char32_t code);

// Lower case of one character (no context): appends one or, for U+0130, two characters.
void append_lower(std::string& out, char32_t code);

}  // namespace swiftlet::text
