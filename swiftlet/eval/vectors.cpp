#include "swiftlet/eval/vectors.h"

#include <cmath>

namespace swiftlet {

std::vector<float> embed_for_task(Encoder& encoder, std::span<const std::string> texts, TaskResult& result,
                                  const Job& job) {
  std::vector<std::vector<std::int32_t>> ids;
  ids.reserve(texts.size());
  for (const std::string& text : texts) {
    ids.push_back(encoder.tokenize(text));
    result.tokens += static_cast<std::int64_t>(ids.back().size());
  }
  result.items += static_cast<std::int64_t>(texts.size());
  const StopWatch watch;
  std::vector<float> vectors = encoder.embed_tokens(ids, job);
  result.seconds += watch.seconds();
  return vectors;
}

double dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * b[i];
  return sum;
}

double cosine(std::span<const float> a, std::span<const float> b) {
  const double norms = std::sqrt(dot(a, a)) * std::sqrt(dot(b, b));
  return norms > 0 ? dot(a, b) / norms : 0;
}

}  // namespace swiftlet
