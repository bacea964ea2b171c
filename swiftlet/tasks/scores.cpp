#include "swiftlet/tasks/scores.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "swiftlet/core/error.h"

namespace swiftlet::tasks {
namespace {

template <class T>
std::vector<double> softmax_of(std::span<const T> logits) {
  std::vector<double> scores(logits.begin(), logits.end());
  if (scores.empty()) return scores;
  const double highest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - highest);
  for (double& score : scores) score /= sum;
  return scores;
}

}  // namespace

std::vector<double> softmax(std::span<const float> logits) {
  return softmax_of(logits);
}
std::vector<double> softmax(std::span<const double> logits) {
  return softmax_of(logits);
}

double sigmoid(double logit) {
  return 1 / (1 + std::exp(-logit));
}

std::vector<double> apply(std::string_view function, std::span<const float> logits) {
  if (function == "softmax") return softmax(logits);
  std::vector<double> scores(logits.begin(), logits.end());
  if (function == "none") return scores;
  if (function != "sigmoid")
    fail(ErrorCode::kUsage, "function", "'{}' is not known; known are softmax, sigmoid, none", function);
  for (double& score : scores) score = sigmoid(score);
  return scores;
}

std::vector<std::size_t> best(std::span<const double> scores, std::size_t count) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  count = count == 0 ? order.size() : std::min(count, order.size());
  std::partial_sort(
      order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
      [&](std::size_t a, std::size_t b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; });
  order.resize(count);
  return order;
}

}  // namespace swiftlet::tasks
