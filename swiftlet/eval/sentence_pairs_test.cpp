#include "swiftlet/eval/sentence_pairs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "swiftlet/eval/test_folder.h"

namespace swiftlet {
namespace {

using testing::HasSubstr;

std::vector<SentencePair> pairs_of(std::string_view text, const std::string& name = "x.csv") {
  const TestFolder folder;
  return read_sentence_pairs(folder.put(name, text));
}

TEST(SentencePairs, ReadsWithoutAHeader) {
  const auto pairs = pairs_of("A man sings.,\"A boy sits, sings.\",2.75\r\nOne.,Two., 5 \n");
  ASSERT_EQ(pairs.size(), 2u);
  EXPECT_EQ(pairs[0].first, "A man sings.");
  EXPECT_EQ(pairs[0].second, "A boy sits, sings.");
  EXPECT_EQ(pairs[0].score, 2.75);
  EXPECT_EQ(pairs[1].score, 5);
}

TEST(SentencePairs, FindsColumnsByTheirNames) {
  const auto pairs = pairs_of("split,score,sentence2,sentence1\ndev,4,b,a\n");
  ASSERT_EQ(pairs.size(), 1u);
  EXPECT_EQ(pairs[0].first, "a");
  EXPECT_EQ(pairs[0].second, "b");
  EXPECT_EQ(pairs[0].score, 4);
  EXPECT_EQ(pairs_of("sentence1,sentence2,similarity_score\na,b,1\n").at(0).score, 1);
}

TEST(SentencePairs, TabsNeedNoQuotes) {
  const auto pairs =
      pairs_of("index\tsentence1\tsentence2\tscore\n0\t\"Hi, he said.\tHello.\t3.2\n", "dev.tsv");
  ASSERT_EQ(pairs.size(), 1u);
  EXPECT_EQ(pairs[0].first, "\"Hi, he said.");
  EXPECT_EQ(pairs[0].score, 3.2);
}

TEST(SentencePairs, ErrorsNameFileAndLine) {
  EXPECT_THAT(error_of([] { pairs_of("a,b,1\na,b\n"); }), HasSubstr("x.csv:2] expected 3 fields (sentence1"));
  EXPECT_THAT(error_of([] { pairs_of("a,b,1\na,b,high\n"); }),
              HasSubstr("x.csv:2] expected a score, got 'high'"));
  EXPECT_THAT(error_of([] { pairs_of("a,b,nan\n"); }), HasSubstr("expected a score, got 'nan'"));
  EXPECT_THAT(error_of([] { pairs_of("a,b,1e999\n"); }), HasSubstr("expected a score"));
  EXPECT_THAT(error_of([] { pairs_of("a,b,\n"); }), HasSubstr("expected a score, got ''"));
  EXPECT_THAT(error_of([] { pairs_of("first,second,score\n"); }),
              HasSubstr("x.csv:1] expected a score, got 'score'"));
  EXPECT_THAT(error_of([] { pairs_of(",b,1\n"); }), HasSubstr("a sentence is empty"));
  EXPECT_THAT(error_of([] { pairs_of("sentence1,sentence2,score\n"); }), HasSubstr("holds no sentence pair"));
  EXPECT_THAT(error_of([] { pairs_of(""); }), HasSubstr("holds no sentence pair"));
}

TEST(SentencePairs, ReadsTheDevelopmentSetOfStsB) {
  const char* data = std::getenv("SWIFTLET_DATA_DIR");
  if (data == nullptr) GTEST_SKIP() << "SWIFTLET_DATA_DIR is not set";
  const auto pairs = read_sentence_pairs(std::filesystem::path(data) / "datasets/stsb/dev.csv");
  ASSERT_EQ(pairs.size(), 1500u);
  EXPECT_EQ(pairs[0].first, "A man with a hard hat is dancing.");
  double sum = 0;
  for (const SentencePair& pair : pairs) sum += pair.score;
  EXPECT_NEAR(sum / 1500, 2.363907555555555, 1e-9);
}

}  // namespace
}  // namespace swiftlet
