// Quality of a ranked list of documents for one query: nDCG, reciprocal rank, recall, with the definitions of
// trec_eval, so that figures compare with published ones. Pure functions, any thread.
//
// The relevance of a document is its judgement (0 when unjudged). It counts as relevant from 1 on; a negative
// judgement gains nothing.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace swiftlet {

using Judgements = std::map<std::string, int, std::less<>>;    // document id -> relevance
using Qrels = std::map<std::string, Judgements, std::less<>>;  // query id -> judgements

struct ScoredDocument {
  std::string_view id;  // must outlive the call
  float score = 0;      // f32 as in trec_eval: what ties in f32 is a tie
};

// The relevance of each document of the ranking that the scores give: by score, then by document id, both
// descending (trec_eval's rule for ties). Throws kInvalid for a NaN score or a document that comes twice.
std::vector<int> ranked_relevance(std::vector<ScoredDocument> documents, const Judgements& judgements);

// nDCG over the first `k` places (0: all): gain = relevance, discount log2(1 + place). The ideal ranking
// orders all judged documents, retrieved or not. 0 when none is relevant. Järvelin and Kekäläinen, 2002.
double ndcg(std::span<const int> ranked, const Judgements& judgements, std::size_t k);

// 1 / place of the first relevant document among the first `k` (0: all), or 0.
double reciprocal_rank(std::span<const int> ranked, std::size_t k);

// Share of all relevant documents that stand among the first `k` (0: all). 0 when none is relevant.
double recall(std::span<const int> ranked, const Judgements& judgements, std::size_t k);

}  // namespace swiftlet
