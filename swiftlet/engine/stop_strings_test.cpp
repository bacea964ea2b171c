#include "swiftlet/engine/stop_strings.h"

#include <gtest/gtest.h>

#include "swiftlet/core/error.h"
#include "swiftlet/core/rng.h"

namespace swiftlet {
namespace {

using Strings = std::vector<std::string>;

// By the definition: the end of the earliest match, of several that end there the longest.
std::string cut(const std::string& text, const Strings& stops, bool& stopped) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::size_t longest = 0;
    for (const std::string& stop : stops)
      if (std::string_view(text).substr(0, end).ends_with(stop)) longest = std::max(longest, stop.size());
    stopped = longest > 0;
    if (stopped) return text.substr(0, end - longest);
  }
  stopped = false;
  return text;
}

TEST(StopStrings, HoldsBackWhatMayBecomeAStop) {
  StopStrings stops({"\n\nUser:"});
  EXPECT_EQ(stops.feed("Hello").text, "Hello");
  EXPECT_EQ(stops.feed(" there\n").text, " there");
  EXPECT_EQ(stops.feed("\nUs").text, "");
  EXPECT_EQ(stops.feed("ual").text, "\n\nUsual");
  EXPECT_FALSE(stops.stopped());
  const auto result = stops.feed(" end\n\nUser: more");
  EXPECT_EQ(result.text, " end");
  EXPECT_TRUE(result.stopped);
  EXPECT_EQ(stops.feed("after").text, "");
  EXPECT_TRUE(stops.feed("after").stopped);
  EXPECT_EQ(stops.finish(), "");
}

TEST(StopStrings, GivesTheRestAtTheEnd) {
  StopStrings stops({"END"});
  EXPECT_EQ(stops.feed("the EN").text, "the ");
  EXPECT_EQ(stops.feed("").text, "");
  EXPECT_EQ(stops.finish(), "EN");
  EXPECT_EQ(stops.finish(), "");
}

TEST(StopStrings, WithoutAnyEverythingPasses) {
  StopStrings stops;
  EXPECT_EQ(stops.feed("anything").text, "anything");
  EXPECT_FALSE(stops.feed("").stopped);
  EXPECT_EQ(stops.finish(), "");
}

TEST(StopStrings, TheLongestOfThoseThatEndTogetherCounts) {
  StopStrings stops({"b", "aab"});
  EXPECT_EQ(stops.feed("xaab").text, "x");
  StopStrings first({"abc", "ab"});
  EXPECT_EQ(first.feed("xabc").text, "x");  // "ab" is complete before "abc"
}

TEST(StopStrings, FindsAStopThatOverlapsAFailedOne) {
  StopStrings stops({"aaab"});
  EXPECT_EQ(stops.feed("aaaaaa").text, "aaa");
  EXPECT_EQ(stops.feed("b").text, "");
  EXPECT_TRUE(stops.stopped());
}

TEST(StopStrings, CharactersStayWhole) {
  StopStrings stops({"\xc3\xa9t\xc3\xa9"});                    // été
  EXPECT_EQ(stops.feed("un \xc3\xa9").text, "un ");            // é may begin it
  EXPECT_EQ(stops.feed("\xc3\xa8").text, "\xc3\xa9\xc3\xa8");  // è does not: both come out whole
}

TEST(StopStrings, AnEmptyOneIsRefused) {
  EXPECT_THROW(StopStrings({"a", ""}), Error);
}

TEST(StopStrings, TheCutIntoPiecesDoesNotMatter) {
  const std::vector<Strings> sets = {{"ab"},   {"aba", "bb"},   {"aabaa", "abab"}, {"b", "ab", "bab"},
                                     {"aaaa"}, {"abba", "bbab"}};
  for (std::uint64_t trial = 0; trial < 3000; ++trial) {
    std::uint64_t position = 0;
    const auto draw = [&](int bound) { return static_cast<int>(uniform(1, trial, position++) * bound); };
    const Strings& set = sets[static_cast<std::size_t>(draw(static_cast<int>(sets.size())))];
    std::string text;
    for (int i = draw(24); i > 0; --i) text += static_cast<char>('a' + draw(20) % 3 % 2);
    bool expected_stop = false;
    const std::string expected = cut(text, set, expected_stop);
    StopStrings stops(set);
    std::string shown;
    for (std::size_t at = 0; at < text.size();) {
      const auto size = static_cast<std::size_t>(draw(5));
      shown += stops.feed(std::string_view(text).substr(at, size)).text;
      at += size;
      // What is shown is final: never more than may stand in the end.
      ASSERT_TRUE(expected.starts_with(shown)) << text;
    }
    shown += stops.finish();
    ASSERT_EQ(shown, expected) << text;
    ASSERT_EQ(stops.stopped(), expected_stop) << text;
  }
}

}  // namespace
}  // namespace swiftlet
