#include "swiftlet/text/pattern_scanner.h"

#include <array>

#include "swiftlet/text/byte_level_patterns.h"
#include "swiftlet/text/unicode.h"

namespace swiftlet::text {
namespace {

enum Class : std::uint8_t { kOther, kLetter, kNumber, kSpace };

constexpr std::array<Class, 128> kAscii = [] {
  std::array<Class, 128> table{};
  for (char32_t c = 0; c < 128; ++c) {
    if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) table[c] = kLetter;
    if (c >= '0' && c <= '9') table[c] = kNumber;
    if (c == ' ' || (c >= '\t' && c <= '\r')) table[c] = kSpace;
  }
  return table;
}();

Class class_of(char32_t code) {
  if (is_letter(code)) return kLetter;
  if (is_numeric(code)) return kNumber;
  return is_white_space(code) ? kSpace : kOther;
}

// A character and its class. At the end of the text: no bytes, and a class that none of the searches asks
// for.
struct Found {
  std::uint8_t what;
  std::uint32_t bytes;
};
constexpr std::uint8_t kEnd = 0xFF;

struct Scanner {
  std::string_view text;

  std::uint8_t byte(std::size_t at) const {
    return at < text.size() ? static_cast<std::uint8_t>(text[at]) : std::uint8_t{0};
  }
  Found at(std::size_t i) const {
    if (i >= text.size()) return {kEnd, 0};
    const auto first = static_cast<std::uint8_t>(text[i]);
    if (first < 0x80) return {kAscii[first], 1};
    const Char c = char_at(text, i);
    return {class_of(c.code), c.bytes};
  }
  // Behind all characters of the class from `i` on, at most `most` of them.
  std::size_t skip(std::size_t i, Class what, std::size_t most = SIZE_MAX) const {
    for (; most > 0; --most) {
      const Found c = at(i);
      if (c.what != what) break;
      i += c.bytes;
    }
    return i;
  }
  static bool is_line_end(std::uint8_t byte) { return byte == '\r' || byte == '\n'; }

  // 's|'t|'re|'ve|'m|'ll|'d: behind it, or `i` where there is none.
  template <bool AnyCase>
  std::size_t clitic(std::size_t i) const {
    const auto letter = [&](std::size_t place) -> std::uint8_t {
      const std::uint8_t b = byte(place);
      return AnyCase && b >= 'A' && b <= 'Z' ? static_cast<std::uint8_t>(b + 32) : b;
    };
    const std::uint8_t first = letter(i + 1);
    if (first == 's' || first == 't' || first == 'm' || first == 'd') return i + 2;
    const std::uint8_t second = letter(i + 2);
    if ((first == 'r' || first == 'v') && second == 'e') return i + 3;
    if (first == 'l' && second == 'l') return i + 3;
    // The long s is an s of another case.
    if (AnyCase && first == 0xC5 && byte(i + 2) == 0xBF) return i + 3;
    return i;
  }

  // \s*[\r\n]+ (where `lines`) |\s+(?!\S)|\s+ at white space: behind it.
  std::size_t spaces(std::size_t i, bool lines) const {
    std::size_t end = i, last = i,
                line = i;  // last: the begin of the last character; line: behind the last line end
    for (Found c = at(end); c.what == kSpace; c = at(end)) {
      last = end;
      end += c.bytes;
      if (is_line_end(byte(last))) line = end;
    }
    if (lines && line > i) return line;
    // The last one is left to the word behind it.
    return end == text.size() || last == i ? end : last;
  }
};

void scan_gpt2(std::string_view text, std::vector<Span>& out) {
  const Scanner scan{text};
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = text[i] == '\'' ? scan.clitic<false>(i) : i;
    if (end == i) {
      const std::size_t word = text[i] == ' ' ? i + 1 : i;
      const Found c = scan.at(word);
      end = c.what == kSpace || c.what == kEnd ? scan.spaces(i, false)
                                               : scan.skip(word + c.bytes, static_cast<Class>(c.what));
    }
    out.push_back({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(end)});
    i = end;
  }
}

// `Digits`: so many make a number at most.
template <std::size_t Digits>
void scan_llama3(std::string_view text, std::vector<Span>& out) {
  const Scanner scan{text};
  const auto end_of = [&](std::size_t i) {
    if (text[i] == '\'')
      if (const std::size_t end = scan.clitic<true>(i); end > i) return end;
    const Found c = scan.at(i);
    if (c.what == kLetter) return scan.skip(i + c.bytes, kLetter);
    if (c.what == kNumber) return scan.skip(i, kNumber, Digits);
    const Found next = scan.at(i + c.bytes);
    if (next.what == kLetter && !Scanner::is_line_end(scan.byte(i)))
      return scan.skip(i + c.bytes + next.bytes, kLetter);
    if (c.what == kSpace && !(text[i] == ' ' && next.what == kOther)) return scan.spaces(i, true);
    std::size_t end = scan.skip(i + c.bytes, kOther);
    while (Scanner::is_line_end(scan.byte(end))) ++end;
    return end;
  };
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = end_of(i);
    out.push_back({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(end)});
    i = end;
  }
}

}  // namespace

PatternScanner find_scanner(std::string_view pattern) {
  if (pattern == kGpt2Pattern) return scan_gpt2;
  if (pattern == kLlama3Pattern) return scan_llama3<3>;
  if (pattern == kQwen2Pattern) return scan_llama3<1>;
  return nullptr;
}

}  // namespace swiftlet::text
