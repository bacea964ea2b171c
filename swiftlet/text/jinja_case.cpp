#include "swiftlet/text/jinja_case.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "swiftlet/text/unicode.h"

namespace swiftlet::text::jinja {
namespace {

// Letters whose upper or title case takes several, from SpecialCasing.txt of Unicode.
struct Special {
  char32_t code;
  const char* upper;
  const char* title;
};
constexpr std::array kSpecial{
    Special{0x00DF, "SS", "Ss"},   Special{0x0149, "ʼN", "ʼN"}, Special{0x01F0, "J̌", "J̌"},
    Special{0x0390, "Ϊ́", "Ϊ́"},     Special{0x03B0, "Ϋ́", "Ϋ́"},   Special{0x0587, "ԵՒ", "Եւ"},
    Special{0x1E96, "H̱", "H̱"},     Special{0x1E97, "T̈", "T̈"},   Special{0x1E98, "W̊", "W̊"},
    Special{0x1E99, "Y̊", "Y̊"},     Special{0x1E9A, "Aʾ", "Aʾ"}, Special{0xFB00, "FF", "Ff"},
    Special{0xFB01, "FI", "Fi"},   Special{0xFB02, "FL", "Fl"}, Special{0xFB03, "FFI", "Ffi"},
    Special{0xFB04, "FFL", "Ffl"}, Special{0xFB05, "ST", "St"}, Special{0xFB06, "ST", "St"},
};

utf8proc_int32_t wide(char32_t code) {
  return static_cast<utf8proc_int32_t>(code);
}

utf8proc_category_t category(char32_t code) {
  return utf8proc_category(wide(code));
}

const Special* special(char32_t code) {
  const auto found =
      std::find_if(kSpecial.begin(), kSpecial.end(), [code](const Special& row) { return row.code == code; });
  return found == kSpecial.end() ? nullptr : &*found;
}

void append_upper(std::string& out, char32_t code) {
  if (const Special* row = code < 0x80 ? nullptr : special(code)) {
    out += row->upper;
    return;
  }
  append_utf8(out, static_cast<char32_t>(utf8proc_toupper(wide(code))));
}

void append_title(std::string& out, char32_t code) {
  if (const Special* row = code < 0x80 ? nullptr : special(code)) {
    out += row->title;
    return;
  }
  append_utf8(out, static_cast<char32_t>(utf8proc_totitle(wide(code))));
}

bool is_cased(char32_t code) {
  return is_upper(code) || is_lower(code) || is_title(code);
}

bool is_case_ignorable(char32_t code) {
  const utf8proc_category_t c = category(code);
  return c == UTF8PROC_CATEGORY_MN || c == UTF8PROC_CATEGORY_ME || c == UTF8PROC_CATEGORY_CF ||
         c == UTF8PROC_CATEGORY_LM || c == UTF8PROC_CATEGORY_SK || code == '\'' || code == '.' ||
         code == ':' || code == 0xB7 || code == 0x2019;
}

// A sigma at the end of a word has a form of its own.
bool final_sigma(std::string_view text, std::size_t at, std::size_t end) {
  std::size_t before = at;
  bool letter = false;
  while (before > 0) {
    const Char c = char_before(text, before);
    before -= c.bytes;
    if (is_case_ignorable(c.code)) continue;
    letter = is_cased(c.code);
    break;
  }
  if (!letter) return false;
  for (std::size_t after = end; after < text.size();) {
    const Char c = char_at(text, after);
    if (!is_case_ignorable(c.code)) return !is_cased(c.code);
    after += c.bytes;
  }
  return true;
}

void append_lower_at(std::string& out, std::string_view text, std::size_t at, Char c) {
  if (c.code == 0x3A3)
    append_utf8(out, final_sigma(text, at, at + c.bytes) ? 0x3C2 : 0x3C3);
  else
    append_lower(out, c.code);
}

// f(out, place, character, whether a cased letter came just before)
template <class F>
std::string map_case(std::string_view text, F&& f) {
  std::string out;
  out.reserve(text.size());
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const Char c = char_at(text, at);
    f(out, at, c, inside);
    inside = is_cased(c.code);
    at += c.bytes;
  }
  return out;
}

}  // namespace

std::string upper(std::string_view text) {
  return map_case(text, [](std::string& out, std::size_t, Char c, bool) { append_upper(out, c.code); });
}

std::string lower(std::string_view text) {
  return map_case(text,
                  [&](std::string& out, std::size_t at, Char c, bool) { append_lower_at(out, text, at, c); });
}

std::string capitalize(std::string_view text) {
  return map_case(text, [&](std::string& out, std::size_t at, Char c, bool) {
    if (at == 0)
      append_title(out, c.code);
    else
      append_lower_at(out, text, at, c);
  });
}

std::string title(std::string_view text) {
  return map_case(text, [&](std::string& out, std::size_t at, Char c, bool inside) {
    if (inside)
      append_lower_at(out, text, at, c);
    else
      append_title(out, c.code);
  });
}

std::string swapcase(std::string_view text) {
  return map_case(text, [&](std::string& out, std::size_t at, Char c, bool) {
    if (is_upper(c.code))
      append_lower_at(out, text, at, c);
    else if (is_lower(c.code))
      append_upper(out, c.code);
    else
      append_utf8(out, c.code);
  });
}

std::string casefold(std::string_view text) {
  return map_case(text, [](std::string& out, std::size_t, Char c, bool) {
    utf8proc_int32_t folded[8];
    int boundary = 0;
    const auto count = utf8proc_decompose_char(wide(c.code), folded, 8, UTF8PROC_CASEFOLD, &boundary);
    for (utf8proc_ssize_t i = 0; i < count; ++i) append_utf8(out, static_cast<char32_t>(folded[i]));
  });
}

bool is_upper(char32_t code) {
  return category(code) == UTF8PROC_CATEGORY_LU || (code >= 0x2160 && code <= 0x216F) ||
         (code >= 0x24B6 && code <= 0x24CF);
}

bool is_lower(char32_t code) {
  return category(code) == UTF8PROC_CATEGORY_LL || code == 0xAA || code == 0xBA ||
         (code >= 0x2170 && code <= 0x217F) || (code >= 0x24D0 && code <= 0x24E9);
}

bool is_title(char32_t code) {
  return category(code) == UTF8PROC_CATEGORY_LT;
}

bool is_alpha(char32_t code) {
  const utf8proc_category_t c = category(code);
  return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;
}

bool is_decimal(char32_t code) {
  return category(code) == UTF8PROC_CATEGORY_ND;
}

bool is_digit(char32_t code) {
  return is_decimal(code) || code == 0xB2 || code == 0xB3 || code == 0xB9 || code == 0x2070 ||
         (code >= 0x2074 && code <= 0x2079) || (code >= 0x2080 && code <= 0x2089) ||
         (code >= 0x2460 && code <= 0x2468) || (code >= 0x2474 && code <= 0x247C) ||
         (code >= 0x2488 && code <= 0x2490);
}

bool is_number(char32_t code) {
  return is_numeric(code) ||
         (code >= 0x4E00 && code <= 0x9FFF &&
          std::u32string_view(U"一二三四五六七八九十百千万零").find(code) != std::u32string_view::npos);
}

bool is_space(char32_t code) {
  return is_white_space(code) || (code >= 0x1C && code <= 0x1F);
}

bool is_printable(char32_t code) {
  switch (category(code)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    case UTF8PROC_CATEGORY_ZS:
      return code == ' ';
    default:
      return true;
  }
}

bool is_identifier(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Char c = char_at(text, at);
    const bool start = c.code == '_' || is_alpha(c.code) || category(c.code) == UTF8PROC_CATEGORY_NL;
    const bool part =
        start || is_decimal(c.code) || is_combining_mark(c.code) || category(c.code) == UTF8PROC_CATEGORY_PC;
    if (at == 0 ? !start : !part) return false;
    at += c.bytes;
  }
  return !text.empty();
}

}  // namespace swiftlet::text::jinja
