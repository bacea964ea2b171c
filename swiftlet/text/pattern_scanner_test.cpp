#include "swiftlet/text/pattern_scanner.h"

#include <gtest/gtest.h>

#include <random>

#include "swiftlet/text/byte_level_patterns.h"
#include "swiftlet/text/regex.h"
#include "swiftlet/text/text_testing.h"

namespace swiftlet::text {
namespace {

constexpr const char* kPatterns[] = {kGpt2Pattern, kLlama3Pattern, kQwen2Pattern};

Spans found(const Regex& regex, std::string_view text) {
  std::vector<Span> spans;
  regex.find_all(text, spans);
  Spans result;
  for (const Span& span : spans) result.emplace_back(span.begin, span.end);
  return result;
}

// The pattern in other words, which has no scanner.
std::string disguised(const char* pattern) {
  const std::string other = std::string("(?:") + pattern + ")";
  EXPECT_EQ(find_scanner(other), nullptr);
  return other;
}

TEST(PatternScanner, FindsWhatTheRegularExpressionFinds) {
  const std::vector<std::string> parts = {
      "a",   "B",  "é",   "漢",  "ا",  "ǅ",      "ʰ",    "7",      "42",     "½",      "Ⅷ",      "٣",
      " ",   "  ", "\t",  "\n",  "\r", "\v",     "\x1c", "\u0085", "\u00a0", "\u3000", "\u2028", "\u200b",
      "!",   "'",  "’",   "_",   "😀",  "\u0301", "'s",   "'S",     "'ſ",     "'t",     "'re",    "'RE",
      "'Ve", "'m", "'ll", "'lL", "'d", "'x",     "'r",   "'l",     "'K",     "\u212A", "\x7f",   "ß"};
  std::mt19937 random(11);
  for (const char* const pattern : kPatterns) {
    ASSERT_NE(find_scanner(pattern), nullptr);
    const Regex fast(pattern, "test"), slow(disguised(pattern), "test");
    for (int round = 0; round < 20000; ++round) {
      std::string text;
      for (std::size_t n = 1 + random() % 12; n > 0; --n) text += parts[random() % parts.size()];
      ASSERT_EQ(found(fast, text), found(slow, text)) << pattern << ": " << shown(text);
    }
  }
}

// The version of Unicode in which utf8proc's tables are ahead of PCRE2's: letters and digits of the planes
// above.
bool is_newer(char32_t code) {
  return code == 0x0CF3 || code == 0x0ECE || (code >= 0x10EFD && code < 0x20000) || code == 0x2B739 ||
         code >= 0x31350;
}

TEST(PatternScanner, KnowsEveryCharacterOfUnicode) {
  std::string text;
  std::vector<std::pair<std::uint32_t, char32_t>> places;
  for (char32_t code = 1; code < 0x110000; ++code) {
    if (code >= 0xD800 && code < 0xE000) continue;
    places.emplace_back(text.size(), code);
    text += ' ';
    append_utf8(text, code);
    text += "a1";
  }
  for (const char* const pattern : kPatterns) {
    const Spans fast = found(Regex(pattern, "test"), text),
                slow = found(Regex(disguised(pattern), "test"), text);
    Spans differing;
    std::set_symmetric_difference(fast.begin(), fast.end(), slow.begin(), slow.end(),
                                  std::back_inserter(differing));
    EXPECT_LT(differing.size(), fast.size() / 200) << pattern;
    for (const auto& [begin, end] : differing) {
      const char32_t code =
          std::prev(std::upper_bound(places.begin(), places.end(), std::pair(begin, char32_t{0x110000})))
              ->second;
      ASSERT_TRUE(is_newer(code)) << pattern << fmt::format(": U+{:04X}", static_cast<std::uint32_t>(code));
    }
  }
}

TEST(PatternScanner, LongRunsInLinearTime) {
  for (const char* const pattern : kPatterns)
    for (const char* const unit : {" ", "\n", "a", "1", "!", "漢", " \n", "'"}) {
      std::string text;
      while (text.size() < (1u << 22)) text += unit;
      std::vector<Span> spans;
      find_scanner(pattern)(text, spans);
      EXPECT_EQ(spans.front().begin, 0u);
      EXPECT_EQ(spans.back().end, text.size());
    }
}

}  // namespace
}  // namespace swiftlet::text
