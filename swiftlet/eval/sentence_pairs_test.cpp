#include "swiftlet/eval/sentence_pairs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "swiftlet/core/file.h"
#include "swiftlet/eval/correlation.h"
#include "swiftlet/eval/test_folder.h"
#include "swiftlet/io/safetensors.h"

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
  const auto pairs = read_sentence_pairs(SWIFTLET_SOURCE_DIR "/assets/stsb/dev.csv");
  ASSERT_EQ(pairs.size(), 1500u);
  EXPECT_EQ(pairs[0].first, "A man with a hard hat is dancing.");
  double sum = 0;
  for (const SentencePair& pair : pairs) sum += pair.score;
  EXPECT_NEAR(sum / 1500, 2.363907555555555, 1e-9);  // by Python's csv module
}

// The road of an STS-B evaluation from the file to the coefficient, with the similarities of the reference
// model.
TEST(SentencePairs, CorrelateWithTheReferenceAsScipySays) {
  const std::string folder = SWIFTLET_SOURCE_DIR "/tests/data/minilm/";
  const Tensor cosines = SafetensorsFile::open(folder + "golden.safetensors").tensor("stsb_dev_cosine");
  const auto expected = nlohmann::json::parse(read_text_file(folder + "reference.json"))["stsb_dev"];
  std::vector<double> scores;
  for (const SentencePair& pair : read_sentence_pairs(SWIFTLET_SOURCE_DIR "/assets/stsb/dev.csv"))
    scores.push_back(pair.score);
  const std::vector<double> similarities(cosines.span<float>().begin(), cosines.span<float>().end());
  EXPECT_NEAR(spearman(similarities, scores), expected["spearman"], 1e-9);
  EXPECT_NEAR(pearson(similarities, scores), expected["pearson"], 1e-9);
}

}  // namespace
}  // namespace swiftlet
