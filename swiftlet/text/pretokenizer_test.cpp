#include <gmock/gmock.h>

#include "swiftlet/text/text_testing.h"

namespace swiftlet::text {
namespace {

using Texts = std::vector<std::string>;

TEST(PreTokenizer, BertCutsAtSpaceAndPunctuation) {
  const Pieces p = pretokenize_with(R"({"type":"BertPreTokenizer"})", "Hi, it's\u3000日本。 ");
  EXPECT_EQ(p.texts, (Texts{"Hi", ",", "it", "'", "s", "日本", "。"}));
  EXPECT_EQ(p.spans[5], (std::pair<std::uint32_t, std::uint32_t>{11, 17}));
}

TEST(PreTokenizer, BertTakesAsciiSymbolsForPunctuation) {
  EXPECT_EQ(pretokenize_with(R"({"type":"BertPreTokenizer"})", "a$b+c€d").texts,
            (Texts{"a", "$", "b", "+", "c€d"}));
}

TEST(PreTokenizer, ByteLevelCutsAsGpt2Did) {
  const Pieces p = pretokenize_with(R"({"type":"ByteLevel","add_prefix_space":false})", "I'm  here: 42!\n\n");
  EXPECT_EQ(p.texts, (Texts{"I", "'m", "Ġ", "Ġhere", ":", "Ġ42", "!", "ĊĊ"}));
  EXPECT_EQ(p.spans, (Spans{{0, 1}, {1, 3}, {3, 4}, {4, 9}, {9, 10}, {10, 13}, {13, 14}, {14, 16}}));
}

TEST(PreTokenizer, ByteLevelWritesEveryByte) {
  EXPECT_EQ(pretokenize_with(R"({"type":"ByteLevel","add_prefix_space":false})", "é\x7F").texts,
            (Texts{"Ã©", "ġ"}));
}

TEST(PreTokenizer, ByteLevelMayAddASpaceAndNotCut) {
  EXPECT_EQ(pretokenize_with(R"({"type":"ByteLevel","add_prefix_space":true})", "a b").texts,
            (Texts{"Ġa", "Ġb"}));
  EXPECT_EQ(pretokenize_with(R"({"type":"ByteLevel","add_prefix_space":true})", " a").texts, (Texts{"Ġa"}));
  EXPECT_EQ(
      pretokenize_with(R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":false})", "a b").texts,
      (Texts{"aĠb"}));
}

TEST(PreTokenizer, SplitKnowsFiveBehaviours) {
  const auto split = [](const std::string& behavior, bool invert = false) {
    return pretokenize_with(R"({"type":"Split","pattern":{"String":"-"},"behavior":")" + behavior +
                                R"(","invert":)" + (invert ? "true}" : "false}"),
                            "the-final--countdown")
        .texts;
  };
  EXPECT_EQ(split("Removed"), (Texts{"the", "final", "countdown"}));
  EXPECT_EQ(split("Isolated"), (Texts{"the", "-", "final", "-", "-", "countdown"}));
  EXPECT_EQ(split("MergedWithPrevious"), (Texts{"the-", "final-", "-", "countdown"}));
  EXPECT_EQ(split("MergedWithNext"), (Texts{"the", "-final", "-", "-countdown"}));
  EXPECT_EQ(split("Contiguous"), (Texts{"the", "-", "final", "--", "countdown"}));
  EXPECT_EQ(split("Removed", true), (Texts{"-", "-", "-"}));
}

TEST(PreTokenizer, SplitByThePatternOfLlama3) {
  constexpr std::string_view kJson =
      R"({"type":"Split","behavior":"Isolated","invert":false,"pattern":{"Regex":"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}})";
  EXPECT_EQ(pretokenize_with(kJson, "WE'RE 12345 (ok)\n  x").texts,
            (Texts{"WE", "'RE", " ", "123", "45", " (", "ok", ")\n", " ", " x"}));
}

TEST(PreTokenizer, MetaspaceMarksSpaces) {
  const auto metaspace = [](const std::string& options, std::string_view text) {
    return pretokenize_with(R"({"type":"Metaspace","replacement":"▁")" + options + "}", text).texts;
  };
  EXPECT_EQ(metaspace("", "Hey  friend"), (Texts{"▁Hey", "▁", "▁friend"}));
  EXPECT_EQ(metaspace(R"(,"prepend_scheme":"never")", "Hey you"), (Texts{"Hey", "▁you"}));
  EXPECT_EQ(metaspace(R"(,"add_prefix_space":false)", "Hey you"), (Texts{"Hey", "▁you"}));
  EXPECT_EQ(metaspace(R"(,"split":false)", "Hey you"), (Texts{"▁Hey▁you"}));
  EXPECT_EQ(metaspace("", " Hey"), (Texts{"▁Hey"}));
  EXPECT_EQ(pretokenize_with(R"({"type":"Metaspace"})", "Hé a").spans, (Spans{{0, 3}, {3, 5}}));
}

TEST(PreTokenizer, MetaspaceFirstMeansTheFirstOfTheText) {
  constexpr std::string_view kJson =
      R"({"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Metaspace","prepend_scheme":"first"}]})";
  EXPECT_EQ(pretokenize_with(kJson, "a b").texts, (Texts{"▁a", "b"}));
  EXPECT_EQ(pretokenize_with(kJson, " a b").texts, (Texts{"a", "b"}));
}

TEST(PreTokenizer, SimpleKinds) {
  EXPECT_EQ(pretokenize_with(R"({"type":"Whitespace"})", "Hey_1 man!?\u0301").texts,
            (Texts{"Hey_1", "man", "!?", "\u0301"}));
  EXPECT_EQ(pretokenize_with(R"({"type":"WhitespaceSplit"})", " a, b\u00A0c ").texts,
            (Texts{"a,", "b", "c"}));
  EXPECT_EQ(pretokenize_with(R"({"type":"Digits","individual_digits":true})", "a12b").texts,
            (Texts{"a", "1", "2", "b"}));
  EXPECT_EQ(pretokenize_with(R"({"type":"Digits","individual_digits":false})", "a12b").texts,
            (Texts{"a", "12", "b"}));
  EXPECT_EQ(pretokenize_with(R"({"type":"Punctuation","behavior":"Contiguous"})", "a!?b").texts,
            (Texts{"a", "!?", "b"}));
  EXPECT_EQ(pretokenize_with(R"({"type":"CharDelimiterSplit","delimiter":"é"})", "aébéé").texts,
            (Texts{"a", "b"}));
}

TEST(PreTokenizer, NothingOfNothing) {
  for (const char* type : {"BertPreTokenizer", "ByteLevel", "Metaspace", "Whitespace", "Punctuation"})
    EXPECT_TRUE(pretokenize_with(std::string(R"({"type":")") + type + "\"}", "").texts.empty()) << type;
}

TEST(PreTokenizer, NamesWhatItDoesNotKnow) {
  EXPECT_EQ(error_of([] { pretokenize_with(R"({"type":"Sparkle"})", ""); }),
            "[test] the pre-tokenizer \"Sparkle\" is not available");
}

}  // namespace
}  // namespace swiftlet::text
