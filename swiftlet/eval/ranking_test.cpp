#include "swiftlet/eval/ranking.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"

namespace swiftlet {
namespace {

std::vector<ScoredDocument> scored(const std::map<std::string, float>& run) {
  std::vector<ScoredDocument> documents;
  for (const auto& [id, score] : run) documents.push_back({id, score});
  return documents;
}

TEST(Ranking, EqualsTrecEval) {
  const auto cases =
      nlohmann::json::parse(read_text_file(SWIFTLET_SOURCE_DIR "/tests/data/metrics/ranking.json"));
  ASSERT_EQ(cases["queries"].size(), 13u);
  for (const auto& query : cases["queries"]) {
    SCOPED_TRACE(query["id"].get<std::string>());
    Judgements judgements;
    for (const auto& [id, relevance] : query["judgements"].items()) judgements[id] = relevance;
    const std::map<std::string, float> run = query["run"];
    const std::vector<int> ranked = ranked_relevance(scored(run), judgements);
    const auto& expected = query["expected"];
    EXPECT_NEAR(reciprocal_rank(ranked, 0), expected["recip_rank"], 1e-12);
    EXPECT_NEAR(ndcg(ranked, judgements, 0), expected["ndcg"], 1e-12);
    for (const std::size_t k : cases["cutoffs"]) {
      EXPECT_NEAR(ndcg(ranked, judgements, k), expected[fmt::format("ndcg_cut_{}", k)], 1e-12) << k;
      EXPECT_NEAR(recall(ranked, judgements, k), expected[fmt::format("recall_{}", k)], 1e-12) << k;
    }
  }
}

TEST(Ranking, TiesGoToTheLaterName) {
  const Judgements judgements = {{"a", 1}, {"b", 2}, {"c", 3}};
  EXPECT_EQ(ranked_relevance({{"a", 1}, {"c", 1}, {"b", 2}}, judgements), (std::vector<int>{2, 3, 1}));
}

TEST(Ranking, WhatTiesInF32Ties) {
  const Judgements judgements = {{"a", 1}};
  EXPECT_EQ(ranked_relevance({{"a", static_cast<float>(0.5 + 1e-12)}, {"b", 0.5f}}, judgements),
            (std::vector<int>{0, 1}));
}

TEST(Ranking, ReciprocalRankStopsAtTheCut) {
  const std::vector<int> ranked = {0, -1, 0, 1};
  EXPECT_DOUBLE_EQ(reciprocal_rank(ranked, 0), 0.25);
  EXPECT_DOUBLE_EQ(reciprocal_rank(ranked, 4), 0.25);
  EXPECT_EQ(reciprocal_rank(ranked, 3), 0);
}

TEST(Ranking, NothingRetrievedIsZero) {
  const Judgements judgements = {{"a", 1}};
  EXPECT_EQ(ndcg({}, judgements, 10), 0);
  EXPECT_EQ(recall({}, judgements, 10), 0);
  EXPECT_EQ(reciprocal_rank({}, 10), 0);
}

TEST(Ranking, RefusesNanAndRepeats) {
  EXPECT_THROW(ranked_relevance({{"a", NAN}}, {}), Error);
  EXPECT_THROW(ranked_relevance({{"a", 1}, {"b", 1}, {"a", 0.5f}}, {}), Error);
}

}  // namespace
}  // namespace swiftlet
