#include "swiftlet/text/unicode.h"

#include <utf8proc.h>

#include "swiftlet/text/unicode_newer.h"

namespace swiftlet::text {
namespace {

utf8proc_category_t category(char32_t code) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code));
}

bool between(char32_t code, char32_t first, char32_t last) {
  return code - first <= last - first;
}

bool is_ascii_punctuation(char32_t code) {
  return between(code, '!', '/') || between(code, ':', '@') || between(code, '[', '`') ||
         between(code, '{', '~');
}

}  // namespace

Char char_before(std::string_view text, std::size_t end) {
  std::size_t begin = end - 1;
  while (begin > 0 && is_continuation_byte(text[begin])) --begin;
  return char_at(text, begin);
}

std::size_t count_chars(std::string_view text) {
  std::size_t count = 0;
  for (char byte : text) count += !is_continuation_byte(byte);
  return count;
}

bool is_ascii(std::string_view text) {
  std::uint8_t any = 0;
  for (char byte : text) any |= static_cast<std::uint8_t>(byte);
  return any < 0x80;
}

void append_utf8(std::string& out, char32_t code) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

Utf8Piece next_utf8_piece(std::string_view bytes, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[at + i]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return {1, true, false};
  if (first < 0xC2 || first > 0xF4) return {1, false, false};
  const std::uint32_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  // The second byte decides about overlong forms, surrogates and codes past U+10FFFF.
  const std::uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const std::uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  for (std::uint32_t i = 1; i < length; ++i) {
    if (at + i >= bytes.size()) return {i, false, true};
    if (byte(i) < (i == 1 ? low : 0x80) || byte(i) > (i == 1 ? high : 0xBF)) return {i, false, false};
  }
  return {length, true, false};
}

bool is_white_space(char32_t code) {
  if (code < 0x80) return code == ' ' || between(code, '\t', '\r');
  return code == 0x85 || code == 0xA0 || code == 0x1680 || between(code, 0x2000, 0x200A) || code == 0x2028 ||
         code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

bool is_word(char32_t code) {
  switch (category(code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    case UTF8PROC_CATEGORY_SO:  // the symbols that are Alphabetic: letters in circles and squares
      return between(code, 0x24B6, 0x24E9) || between(code, 0x1F130, 0x1F149) ||
             between(code, 0x1F150, 0x1F169) || between(code, 0x1F170, 0x1F189);
    default:
      return code == 0x200C || code == 0x200D;
  }
}

bool is_letter(char32_t code) {
  const utf8proc_category_t c = category(code);
  return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;
}

bool is_numeric(char32_t code) {
  if (code < 0x80) return between(code, '0', '9');
  const utf8proc_category_t c = category(code);
  return c == UTF8PROC_CATEGORY_ND || c == UTF8PROC_CATEGORY_NL || c == UTF8PROC_CATEGORY_NO;
}

bool is_nonspacing_mark(char32_t code) {
  if (code < 0x300) return false;
  if (code == 0x1734) return true;  // of category Mc only since Unicode 14
  return category(code) == UTF8PROC_CATEGORY_MN && !is_newer_nonspacing_mark(code);
}

bool is_combining_mark(char32_t code) {
  if (code < 0x300) return false;
  if (code == 0x1CF2 || code == 0x1CF3) return true;  // letters only since Unicode 12
  const utf8proc_category_t c = category(code);
  return (c == UTF8PROC_CATEGORY_MN || c == UTF8PROC_CATEGORY_MC || c == UTF8PROC_CATEGORY_ME) &&
         !is_newer_mark(code);
}

bool is_punctuation(char32_t code) {
  if (code < 0x80) return is_ascii_punctuation(code);
  if (code == 0x166D || code == 0x111C9) return true;  // other categories only since Unicode 8 and later
  switch (category(code)) {
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
      return !is_newer_punctuation(code);
    default:
      return false;
  }
}

bool is_control_or_format(char32_t code) {
  if (code < 0x80) return code < 0x20 || code == 0x7F;
  const utf8proc_category_t c = category(code);
  return (c == UTF8PROC_CATEGORY_CC || c == UTF8PROC_CATEGORY_CF || c == UTF8PROC_CATEGORY_CO) &&
         !is_newer_control(code);
}

bool is_chinese(char32_t code) {
  if (code < 0x3400) return false;
  return between(code, 0x4E00, 0x9FFF) || between(code, 0x3400, 0x4DBF) || between(code, 0xF900, 0xFAFF) ||
         between(code, 0x20000, 0x2A6DF) || between(code, 0x2A700, 0x2B81F) ||
         between(code, 0x2B920, 0x2CEAF) || between(code, 0x2F800, 0x2FA1F);
}

void append_lower(std::string& out, char32_t code) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(between(code, 'A', 'Z') ? code + 32 : code));
  } else if (code == 0x130) {  // the only character whose lower case is two, whatever the context
    out += "i\u0307";
  } else {
    append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code))));
  }
}

}  // namespace swiftlet::text
