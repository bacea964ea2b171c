#include "swiftlet/eval/ranking.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

constexpr int kRelevant = 1;

std::span<const int> first_places(std::span<const int> ranked, std::size_t k) {
  return k == 0 ? ranked : ranked.first(std::min(k, ranked.size()));
}

double discounted_gain(std::span<const int> relevance) {
  double sum = 0;
  for (std::size_t i = 0; i < relevance.size(); ++i)
    if (relevance[i] > 0) sum += relevance[i] / std::log2(static_cast<double>(i) + 2);
  return sum;
}

std::size_t count_relevant(std::span<const int> relevance) {
  return static_cast<std::size_t>(
      std::count_if(relevance.begin(), relevance.end(), [](int value) { return value >= kRelevant; }));
}

std::vector<int> judged_relevance(const Judgements& judgements) {
  std::vector<int> result;
  result.reserve(judgements.size());
  for (const auto& [id, relevance] : judgements) result.push_back(relevance);
  return result;
}

}  // namespace

std::vector<int> ranked_relevance(std::vector<ScoredDocument> documents, const Judgements& judgements) {
  std::unordered_set<std::string_view> seen;
  for (const ScoredDocument& document : documents) {
    require(!std::isnan(document.score), "ranking", "the score of document {} is NaN", document.id);
    require(seen.insert(document.id).second, "ranking", "document {} is ranked twice", document.id);
  }
  std::sort(documents.begin(), documents.end(), [](const ScoredDocument& a, const ScoredDocument& b) {
    return a.score != b.score ? a.score > b.score : a.id > b.id;
  });
  std::vector<int> result;
  result.reserve(documents.size());
  for (const ScoredDocument& document : documents) {
    const auto found = judgements.find(document.id);
    result.push_back(found == judgements.end() ? 0 : found->second);
  }
  return result;
}

double ndcg(std::span<const int> ranked, const Judgements& judgements, std::size_t k) {
  std::vector<int> ideal = judged_relevance(judgements);
  std::sort(ideal.begin(), ideal.end(), std::greater<>());
  const double best = discounted_gain(first_places(ideal, k));
  return best > 0 ? discounted_gain(first_places(ranked, k)) / best : 0;
}

double reciprocal_rank(std::span<const int> ranked, std::size_t k) {
  const std::span<const int> places = first_places(ranked, k);
  const auto hit = std::find_if(places.begin(), places.end(), [](int value) { return value >= kRelevant; });
  return hit == places.end() ? 0 : 1.0 / static_cast<double>(hit - places.begin() + 1);
}

double recall(std::span<const int> ranked, const Judgements& judgements, std::size_t k) {
  const std::size_t relevant = count_relevant(judged_relevance(judgements));
  if (relevant == 0) return 0;
  return static_cast<double>(count_relevant(first_places(ranked, k))) / static_cast<double>(relevant);
}

}  // namespace swiftlet
