// Retrieval: every document ranked for every query by the inner product of their vectors.
#include "swiftlet/eval/ranking.h"
#include "swiftlet/eval/retrieval.h"
#include "swiftlet/eval/stats.h"
#include "swiftlet/eval/vectors.h"

namespace swiftlet {
namespace {

constexpr std::size_t kTop = 10, kDeep = 100;

}  // namespace

TaskResult run_retrieval(std::shared_ptr<LoadedModel> model, const TaskOptions& options, const Job& job) {
  RetrievalCollection collection = read_retrieval_collection(options.data);
  if (options.limit > 0 && collection.queries.size() > static_cast<std::size_t>(options.limit))
    collection.queries.resize(static_cast<std::size_t>(options.limit));
  std::vector<std::string> documents, queries;
  for (const Document& document : collection.documents) documents.push_back(document.full_text());
  for (const Query& query : collection.queries) queries.push_back(query.text);
  Encoder encoder(std::move(model));
  TaskResult result;
  const std::vector<float> document_vectors = embed_for_task(encoder, documents, result, job);
  const std::vector<float> query_vectors = embed_for_task(encoder, queries, result, job);
  const auto width = static_cast<std::size_t>(encoder.width());
  std::vector<double> gains;  // nDCG of each query
  double reciprocal_sum = 0, recall_sum = 0;
  for (std::size_t q = 0; q < queries.size(); ++q) {
    const std::span<const float> query = std::span(query_vectors).subspan(q * width, width);
    std::vector<ScoredDocument> scored;
    for (std::size_t d = 0; d < documents.size(); ++d)
      scored.push_back(
          {collection.documents[d].id,
           static_cast<float>(dot(query, std::span(document_vectors).subspan(d * width, width)))});
    const Judgements& judgements = collection.qrels.find(collection.queries[q].id)->second;
    const std::vector<int> ranked = ranked_relevance(std::move(scored), judgements);
    gains.push_back(ndcg(ranked, judgements, kTop));
    reciprocal_sum += reciprocal_rank(ranked, kTop);
    recall_sum += recall(ranked, judgements, kDeep);
  }
  const auto count = static_cast<double>(queries.size());
  result.draws = gains.size();
  result.resampled = [gains](std::span<const std::size_t> drawn) { return mean_of(gains, drawn); };
  result.metrics = {{"ndcg_at_10", mean(gains)},
                    {"mrr_at_10", reciprocal_sum / count},
                    {"recall_at_100", recall_sum / count}};
  return result;
}

}  // namespace swiftlet
