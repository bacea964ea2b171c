#include <gmock/gmock.h>

#include "swiftlet/text/text_testing.h"

namespace swiftlet::text {
namespace {

using testing::HasSubstr;

TEST(Normalizer, BertLowersAsciiInPlace) {
  const Normalized n = normalize_with(R"({"type":"BertNormalizer","lowercase":true})", "Ab\tC\x01!\x7F");
  EXPECT_EQ(n.text, "ab c!");
  EXPECT_EQ(n.spans, (Spans{{0, 1}, {1, 2}, {2, 3}, {3, 4}, {5, 6}}));
}

TEST(Normalizer, BertStripsAccentsWhereItLowers) {
  EXPECT_EQ(normalize_with(R"({"type":"BertNormalizer"})", "Élan").text, "elan");
  EXPECT_EQ(
      normalize_with(R"({"type":"BertNormalizer","strip_accents":null,"lowercase":false})", "Élan").text,
      "Élan");
  EXPECT_EQ(
      normalize_with(R"({"type":"BertNormalizer","strip_accents":true,"lowercase":false})", "Élan").text,
      "Elan");
  EXPECT_EQ(normalize_with(R"({"type":"BertNormalizer","strip_accents":false})", "Élan").text, "élan");
}

TEST(Normalizer, BertKeepsThePlaceOfAccentedLetters) {
  const Normalized n = normalize_with(R"({"type":"BertNormalizer"})", "aÉb");
  EXPECT_EQ(n.text, "aeb");
  EXPECT_EQ(n.spans, (Spans{{0, 1}, {1, 3}, {3, 4}}));
}

TEST(Normalizer, BertSetsIdeographsApart) {
  const Normalized n = normalize_with(R"({"type":"BertNormalizer"})", "a日b");
  EXPECT_EQ(n.text, "a 日 b");
  EXPECT_EQ(n.spans, (Spans{{0, 1}, {1, 4}, {1, 4}, {1, 4}, {4, 5}}));
  EXPECT_EQ(normalize_with(R"({"type":"BertNormalizer","handle_chinese_chars":false})", "a日b").text, "a日b");
  EXPECT_EQ(normalize_with(R"({"type":"BertNormalizer"})", "かな").text, "かな");  // not ideographs
}

TEST(Normalizer, BertCleansControlsAndWhiteSpace) {
  const std::string_view text("a\0b\u200Bc\u00A0d\u0085e\uFFFDf\r\n", 19);
  EXPECT_EQ(normalize_with(R"({"type":"BertNormalizer"})", text).text, "abc def  ");
  EXPECT_EQ(normalize_with(R"({"type":"BertNormalizer","clean_text":false})", "a\x01\u00A0").text,
            "a\x01\u00A0");
}

TEST(Normalizer, MalformedBytesBecomeReplacementCharacters) {
  // A stray continuation, a cut sequence, an overlong form, a surrogate, a code past U+10FFFF.
  const Normalized n = normalize_with(R"({"type":"Lowercase"})", "A\x80\xE2\x82z\xC0\xAF\xED\xA0\x80\xF5");
  EXPECT_EQ(n.text, "a\uFFFD\uFFFDz\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(n.spans,
            (Spans{{0, 1}, {1, 2}, {2, 4}, {4, 5}, {5, 6}, {6, 7}, {7, 8}, {8, 9}, {9, 10}, {10, 11}}));
}

TEST(Normalizer, DecomposesAndComposes) {
  EXPECT_EQ(normalize_with(R"({"type":"NFD"})", "Å각").text, "A\u030A\u1100\u1161\u11A8");
  EXPECT_EQ(normalize_with(R"({"type":"NFC"})", "A\u030A\u1100\u1161\u11A8").text, "Å각");
  EXPECT_EQ(normalize_with(R"({"type":"NFKC"})", "ﬁ²Ⅷ①").text, "fi2VIII1");
  EXPECT_EQ(normalize_with(R"({"type":"NFKD"})", "ﬁé").text, "fie\u0301");
  EXPECT_EQ(normalize_with(R"({"type":"NFC"})", "ﬁ").text, "ﬁ");
}

TEST(Normalizer, OrdersMarksByTheirClass) {
  // Dot below (220) goes before acute (230); both compose with the letter where they can.
  EXPECT_EQ(normalize_with(R"({"type":"NFD"})", "e\u0301\u0323").text, "e\u0323\u0301");
  EXPECT_EQ(normalize_with(R"({"type":"NFC"})", "e\u0301\u0323").text, "\u1EB9\u0301");
  // A mark of the same class in between blocks composition.
  EXPECT_EQ(normalize_with(R"({"type":"NFC"})", "a\u0321\u0310\u0301").text, "a\u0321\u0310\u0301");
}

TEST(Normalizer, PlacesOfUnicodeForms) {
  EXPECT_EQ(normalize_with(R"({"type":"NFD"})", "xé").spans, (Spans{{0, 1}, {1, 3}, {1, 3}}));
  // A composition is the place of its first part.
  EXPECT_EQ(normalize_with(R"({"type":"NFC"})", "e\u0301x").spans, (Spans{{0, 1}, {3, 4}}));
}

TEST(Normalizer, LowercaseKnowsTheDottedCapital) {
  EXPECT_EQ(normalize_with(R"({"type":"Lowercase"})", "İSTANBUL ΑΣ").text, "i\u0307stanbul ασ");
}

TEST(Normalizer, StripAccentsTakesMarksOnly) {
  EXPECT_EQ(normalize_with(R"({"type":"StripAccents"})", "e\u0301é").text, "eé");
}

TEST(Normalizer, StripTakesSpaceOffTheEnds) {
  EXPECT_EQ(normalize_with(R"({"type":"Strip","strip_left":true,"strip_right":true})", "\u3000 a b \n").text,
            "a b");
  EXPECT_EQ(normalize_with(R"({"type":"Strip","strip_left":false,"strip_right":true})", " a ").text, " a");
  EXPECT_EQ(normalize_with(R"({"type":"Strip"})", "  ").text, "");
  EXPECT_EQ(normalize_with(R"({"type":"Strip"})", "  é").spans, (Spans{{2, 4}}));
}

TEST(Normalizer, ReplacesLiteralsAndPatterns) {
  EXPECT_EQ(normalize_with(R"({"type":"Replace","pattern":{"String":" "},"content":"▁"})", "a b").text,
            "a▁b");
  const Normalized n =
      normalize_with(R"({"type":"Replace","pattern":{"Regex":"\\s+"},"content":"_"})", "a \t\nb");
  EXPECT_EQ(n.text, "a_b");
  EXPECT_EQ(n.spans, (Spans{{0, 1}, {3, 4}, {4, 5}}));  // the place of the last character replaced
  EXPECT_EQ(normalize_with(R"({"type":"Replace","pattern":{"String":"b"},"content":""})", "abc").text, "ac");
}

TEST(Normalizer, PrependsToTextOnly) {
  EXPECT_EQ(normalize_with(R"({"type":"Prepend","prepend":"▁"})", "").text, "");
  const Normalized n = normalize_with(R"({"type":"Prepend","prepend":"▁"})", "éa");
  EXPECT_EQ(n.text, "▁éa");
  EXPECT_EQ(n.spans, (Spans{{0, 2}, {0, 2}, {2, 3}}));
}

TEST(Normalizer, SequencesRunInOrder) {
  constexpr std::string_view kJson = R"({"type":"Sequence","normalizers":[{"type":"Sequence","normalizers":[
      {"type":"NFD"},{"type":"Lowercase"}]},{"type":"StripAccents"},{"type":"Prepend","prepend":">"}]})";
  EXPECT_EQ(normalize_with(kJson, "ÀB").text, ">ab");
}

TEST(Normalizer, NamesWhatItDoesNotKnow) {
  const std::string message = error_of([] {
    normalize_with(R"({"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Sparkle"}]})", "a");
  });
  EXPECT_EQ(message, "[test: normalizers[1]] the normalizer \"Sparkle\" is not available");
}

}  // namespace
}  // namespace swiftlet::text
