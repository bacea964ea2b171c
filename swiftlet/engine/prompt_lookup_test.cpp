#include "swiftlet/engine/prompt_lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "swiftlet/core/rng.h"

namespace swiftlet {
namespace {

using ::testing::ElementsAre;
using Ids = std::vector<std::int32_t>;

PromptLookup lookup_of(const Ids& tokens) {
  PromptLookup lookup;
  lookup.reserve(tokens.size());
  lookup.add(tokens);
  return lookup;
}

Ids drafts_of(const Ids& tokens, std::size_t count) {
  const PromptLookup lookup = lookup_of(tokens);
  Ids drafts;
  const PromptLookup::Match match = lookup.find();
  if (match.length > 0) lookup.continuation(match, count, drafts);
  return drafts;
}

PromptLookup::Match search(const Ids& tokens) {
  PromptLookup::Match best;
  for (std::size_t next = tokens.size() - 1; next > 0; --next) {
    std::size_t length = 0;
    while (length < std::min(next, PromptLookup::kMost) &&
           tokens[next - 1 - length] == tokens[tokens.size() - 1 - length])
      ++length;
    if (length >= PromptLookup::kLeast && length > best.length) best = {next, length};
  }
  return best;
}

TEST(PromptLookup, DraftsWhatFollowedTheLongestMatch) {
  EXPECT_THAT(drafts_of({1, 2, 3, 4, 9, 2, 3, 5, 1, 2, 3}, 3), ElementsAre(4, 9, 2));
  EXPECT_THAT(drafts_of({2, 3, 4, 9, 2, 3, 5, 8, 2, 3}, 3), ElementsAre(5, 8, 2));  // the last of equals
  EXPECT_THAT(drafts_of({7, 8, 7, 8}, 5), ElementsAre(7, 8, 7, 8, 7));
  EXPECT_THAT(drafts_of({1, 1, 1}, 3), ElementsAre(1, 1, 1));
}

TEST(PromptLookup, FindsNothingInAShortOrANewText) {
  for (const Ids& tokens : {Ids{}, Ids{1}, Ids{1, 2}, Ids{1, 1}, Ids{1, 2, 3, 4, 2}, Ids{5, 1, 2, 6, 2, 1}})
    EXPECT_EQ(lookup_of(tokens).find().length, 0u);
  EXPECT_EQ(PromptLookup().find().length, 0u);
}

// After every token of texts over few tokens, so that matches of all lengths and equal ones abound, and
// places of other pairs in the same bucket.
TEST(PromptLookup, FindsWhatASearchOfTheWholeTextFinds) {
  for (const int alphabet : {4, 9, 30}) {
    Ids tokens;
    PromptLookup lookup;
    lookup.reserve(100);
    std::size_t longest = 0;
    for (std::size_t i = 0; i < 100; ++i) {
      const bool copies = i > 40 && i < 90;  // a longer match than any by chance
      tokens.push_back(copies ? tokens[i - 41]
                              : static_cast<std::int32_t>(uniform(alphabet, 0, i) * alphabet));
      lookup.add(std::span(tokens).last(1));
      const PromptLookup::Match found = lookup.find(), expected = search(tokens);
      ASSERT_EQ(found.length, expected.length) << alphabet << " tokens, place " << i;
      if (found.length > 0) {
        EXPECT_EQ(found.next, expected.next);
      }
      longest = std::max(longest, found.length);
    }
    EXPECT_EQ(longest, PromptLookup::kMost);
  }
}

}  // namespace
}  // namespace swiftlet
