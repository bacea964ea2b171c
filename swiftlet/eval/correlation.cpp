#include "swiftlet/eval/correlation.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string_view>

#include "swiftlet/core/error.h"
#include "swiftlet/eval/stats.h"

namespace swiftlet {
namespace {

void check_list(std::string_view where, std::string_view name, std::span<const double> values) {
  for (std::size_t i = 0; i < values.size(); ++i)
    require(std::isfinite(values[i]), where, "value {} of the {} list must be finite, got {}", i, name,
            values[i]);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  require(*low != *high, where, "the {} list is constant ({} times {}): the correlation is undefined", name,
          values.size(), *low);
}

void check_lists(std::string_view where, std::span<const double> x, std::span<const double> y) {
  require(x.size() == y.size(), where, "the lists must be of one length, got {} and {}", x.size(), y.size());
  require(x.size() >= 2, where, "expected at least 2 points, got {}", x.size());
  check_list(where, "first", x);
  check_list(where, "second", y);
}

// Deviations from the mean, scaled to a largest magnitude of 1 so that no square overflows or vanishes (the
// coefficient does not depend on the scale).
std::vector<double> centred(std::span<const double> values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double scale = std::max(std::abs(*low), std::abs(*high));
  std::vector<double> result(values.begin(), values.end());
  for (double& value : result) value /= scale;
  const double middle = mean(result);
  double largest = 0;
  for (double& value : result) {
    value -= middle;
    largest = std::max(largest, std::abs(value));
  }
  for (double& value : result) value /= largest;
  return result;
}

double dot(std::span<const double> x, std::span<const double> y) {
  CompensatedSum sum;
  for (std::size_t i = 0; i < x.size(); ++i) sum.add(x[i] * y[i]);
  return sum.value();
}

double correlate(std::span<const double> x, std::span<const double> y) {
  const std::vector<double> a = centred(x), b = centred(y);
  const double r = dot(a, b) / (std::sqrt(dot(a, a)) * std::sqrt(dot(b, b)));
  return std::clamp(r, -1.0, 1.0);
}

}  // namespace

double pearson(std::span<const double> x, std::span<const double> y) {
  check_lists("pearson", x, y);
  return correlate(x, y);
}

double spearman(std::span<const double> x, std::span<const double> y) {
  check_lists("spearman", x, y);
  return correlate(average_ranks(x), average_ranks(y));
}

std::vector<double> average_ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first + 1;
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    // Places first+1 .. last share their average.
    const double rank = 0.5 * static_cast<double>(first + 1 + last);
    for (std::size_t i = first; i < last; ++i) ranks[order[i]] = rank;
    first = last;
  }
  return ranks;
}

}  // namespace swiftlet
