#include "swiftlet/eval/stats.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "swiftlet/core/error.h"

namespace swiftlet {

void CompensatedSum::add(double value) {
  const double next = sum_ + value;
  // The smaller of the two lost its low bits; recover them from the larger.
  correction_ += std::abs(sum_) >= std::abs(value) ? (sum_ - next) + value : (value - next) + sum_;
  sum_ = next;
}

double CompensatedSum::value() const {
  // With an infinity in the sum the correction is NaN and means nothing.
  return std::isfinite(sum_) ? sum_ + correction_ : sum_;
}

double mean(std::span<const double> values) {
  require(!values.empty(), "mean", "expected at least one value");
  CompensatedSum sum;
  for (const double value : values) sum.add(value);
  return sum.value() / static_cast<double>(values.size());
}

double mean_of(std::span<const double> values, std::span<const std::size_t> indices) {
  require(!indices.empty(), "mean", "expected at least one value");
  CompensatedSum sum;
  for (const std::size_t i : indices) sum.add(values[i]);
  return sum.value() / static_cast<double>(indices.size());
}

double quantile(std::vector<double> values, double q) {
  for (const double value : values) require(!std::isnan(value), "quantile", "a value is NaN");
  std::sort(values.begin(), values.end());
  return sorted_quantile(values, q);
}

double sorted_quantile(std::span<const double> ascending, double q) {
  require(!ascending.empty(), "quantile", "expected at least one value");
  require(q >= 0 && q <= 1, "quantile", "q must lie in [0, 1], got {}", q);
  const double position = q * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, ascending.size() - 1);
  const double fraction = position - static_cast<double>(below);
  if (fraction == 0 || ascending[below] == ascending[above]) return ascending[below];
  return ascending[below] + (ascending[above] - ascending[below]) * fraction;
}

}  // namespace swiftlet
