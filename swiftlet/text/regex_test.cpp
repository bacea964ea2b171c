#include "swiftlet/text/regex.h"

#include <gmock/gmock.h>

#include "swiftlet/text/text_testing.h"

namespace swiftlet::text {
namespace {

std::vector<std::string> matches(std::string_view pattern, std::string_view text) {
  const Regex regex(pattern, "test");
  std::vector<Span> spans;
  regex.find_all(text, spans);
  std::vector<std::string> out;
  for (const Span& span : spans) out.emplace_back(text.substr(span.begin, span.end - span.begin));
  return out;
}
using Texts = std::vector<std::string>;

TEST(Regex, SpaceIsUnicodeWhiteSpace) {
  EXPECT_EQ(matches(R"(\s)", "a\u3000b\u180Ec\u0085"), (Texts{"\u3000", "\u0085"}));
  EXPECT_EQ(matches(R"([^\s]+)", "a\u00A0b"), (Texts{"a", "b"}));
}

TEST(Regex, WordsHoldMarksAndNoSymbols) {
  EXPECT_EQ(matches(R"(\w+)", "cafe\u0301 a_1 €"), (Texts{"cafe\u0301", "a_1"}));
  EXPECT_EQ(matches(R"(\W)", "a-b"), (Texts{"-"}));
}

TEST(Regex, SpeaksOniguruma) {
  EXPECT_EQ(matches(R"(\h+)", "xyz 0aF"), (Texts{"0aF"}));
  EXPECT_EQ(matches(R"(\p{Han}+)", "漢字かな、"), (Texts{"漢字"}));
  EXPECT_EQ(matches(R"(\p{^L}+)", "ab12"), (Texts{"12"}));
  EXPECT_EQ(matches(R"([^(\s|[.,!?])]+)", "a(b) c.d|e"), (Texts{"a", "b", "c", "d", "e"}));
  EXPECT_EQ(matches("(?m:a.)", "a\nb"), (Texts{"a\n"}));
  EXPECT_EQ(matches("a.", "a\n"), Texts{});
  EXPECT_EQ(matches("^b|a$", "a\nb"), (Texts{"a", "b"}));
  EXPECT_EQ(matches("(?i:s)", "Sſs"), (Texts{"S", "ſ", "s"}));
}

TEST(Regex, SetsOfCharacters) {
  EXPECT_EQ(matches("[a-f&&[^c]]+", "abcdefg"), (Texts{"ab", "def"}));
  EXPECT_EQ(matches("[^a-f&&[^c]]+", "abcdefg"), (Texts{"c", "g"}));
  EXPECT_EQ(matches("[a-f&&d-z&&[^e]]", "abcdefg"), (Texts{"d", "f"}));
  EXPECT_EQ(matches("[x[^\\w ]]+", "ax,! x"), (Texts{"x,!", "x"}));
  EXPECT_EQ(matches(R"([^\W\d]+)", "ab12²c"), (Texts{"ab", "c"}));
  EXPECT_EQ(matches(R"([\p{L}&&[^\p{Han}]]+)", "ab漢é"), (Texts{"ab", "é"}));
  EXPECT_EQ(matches("[]a]+", "x]a"), (Texts{"]a"}));
  EXPECT_EQ(matches("[[:punct:]]+", "a$,b"), (Texts{"$,"}));
}

TEST(Regex, EmptyMatchesMoveOn) {
  EXPECT_EQ(matches("x*", "axé"), (Texts{"", "x", ""}));
}

TEST(Regex, RefusesWhatItCannotSay) {
  EXPECT_THAT(error_of([] { matches("a[b", ""); }),
              testing::HasSubstr("expected a regular expression, came \"a[b\": a [ is not closed"));
  EXPECT_EQ(error_of([] { matches(std::string(50, '['), ""); }),
            "[test] expected character classes at most 32 deep, came deeper");
  EXPECT_THAT(
      error_of([] { matches("a(b", ""); }),
      testing::HasSubstr("[test] expected a regular expression, came \"a(b\": missing closing parenthesis"));
  EXPECT_THAT(error_of([] { matches(std::string(5000, '('), ""); }), testing::HasSubstr("[test]"));
}

TEST(Regex, GivesUpOnRunawayPatterns) {
  EXPECT_THAT(error_of([] { matches("(a+)+$", std::string(5000, 'a') + "b"); }),
              testing::HasSubstr("the regular expression gave up on a text of 5001 bytes"));
}

TEST(Regex, DeepRecursionStaysOffTheStack) {
  EXPECT_EQ(matches("(?:a|b)+", std::string(200000, 'a')).size(), 1u);
}

}  // namespace
}  // namespace swiftlet::text
