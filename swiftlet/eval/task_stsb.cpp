// STS-B (Cer et al., 2017): correlation of the cosine of two sentence vectors with human similarity scores.
#include "swiftlet/eval/correlation.h"
#include "swiftlet/eval/sentence_pairs.h"
#include "swiftlet/eval/vectors.h"

namespace swiftlet {

TaskResult run_stsb(std::shared_ptr<LoadedModel> model, const TaskOptions& options, const Job& job) {
  std::vector<SentencePair> pairs = read_sentence_pairs(options.data);
  if (options.limit > 0 && pairs.size() > static_cast<std::size_t>(options.limit))
    pairs.resize(static_cast<std::size_t>(options.limit));
  std::vector<std::string> texts;
  std::vector<double> scores;
  for (SentencePair& pair : pairs) {
    texts.push_back(std::move(pair.first));
    texts.push_back(std::move(pair.second));
    scores.push_back(pair.score);
  }
  Encoder encoder(std::move(model));
  TaskResult result;
  const std::vector<float> vectors = embed_for_task(encoder, texts, result, job);
  const auto width = static_cast<std::size_t>(encoder.width());
  std::vector<double> similarities;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const std::span<const float> pair = std::span(vectors).subspan(2 * i * width, 2 * width);
    similarities.push_back(cosine(pair.first(width), pair.last(width)));
  }
  result.metrics = {{"spearman", spearman(similarities, scores)}, {"pearson", pearson(similarities, scores)}};
  return result;
}

}  // namespace swiftlet
