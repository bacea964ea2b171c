// From logits to probabilities, in double.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace swiftlet::tasks {

std::vector<double> softmax(std::span<const float> logits);
std::vector<double> softmax(std::span<const double> logits);
double sigmoid(double logit);
// "softmax", "sigmoid" or "none". Throws kUsage for another name.
std::vector<double> apply(std::string_view function, std::span<const float> logits);
// Indexes of the highest scores, best first, of equal ones the first; `count` 0: all.
std::vector<std::size_t> best(std::span<const double> scores, std::size_t count);

}  // namespace swiftlet::tasks
