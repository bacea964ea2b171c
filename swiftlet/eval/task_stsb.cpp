// STS-B (Cer et al., 2017): correlation of the cosine of two sentence vectors with human similarity scores.
#include <algorithm>
#include <cmath>

#include "swiftlet/core/error.h"
#include "swiftlet/eval/correlation.h"
#include "swiftlet/eval/sentence_pairs.h"
#include "swiftlet/eval/vectors.h"

namespace swiftlet {

namespace {

// Draws of few pairs may be one pair over and over: that says nothing of an order.
bool is_constant(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [&](double value) { return value == values.front(); });
}

}  // namespace

TaskResult run_stsb(std::shared_ptr<LoadedModel> model, const TaskOptions& options, const Job& job) {
  std::vector<SentencePair> pairs = read_sentence_pairs(options.data);
  if (options.limit > 0 && pairs.size() > static_cast<std::size_t>(options.limit))
    pairs.resize(static_cast<std::size_t>(options.limit));
  require(pairs.size() >= 2, options.data.string(), "a correlation needs at least 2 pairs, {} came",
          pairs.size());
  std::vector<std::string> texts;
  std::vector<double> scores;
  for (SentencePair& pair : pairs) {
    texts.push_back(std::move(pair.first));
    texts.push_back(std::move(pair.second));
    scores.push_back(pair.score);
  }
  const std::string source = model->checkpoint.source;
  Encoder encoder(std::move(model));
  TaskResult result;
  const std::vector<float> vectors = embed_for_task(encoder, texts, result, job);
  const auto width = static_cast<std::size_t>(encoder.width());
  std::vector<double> similarities;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const std::span<const float> pair = std::span(vectors).subspan(2 * i * width, 2 * width);
    similarities.push_back(cosine(pair.first(width), pair.last(width)));
    require(std::isfinite(similarities.back()), source, "gives no number for pair {}", i + 1);
  }
  result.draws = scores.size();
  result.resampled = [similarities, scores](std::span<const std::size_t> drawn) {
    std::vector<double> of_model, of_people;
    for (const std::size_t i : drawn) {
      of_model.push_back(similarities[i]);
      of_people.push_back(scores[i]);
    }
    return is_constant(of_model) || is_constant(of_people) ? 0 : spearman(of_model, of_people);
  };
  result.metrics = {{"spearman", spearman(similarities, scores)}, {"pearson", pearson(similarities, scores)}};
  return result;
}

}  // namespace swiftlet
