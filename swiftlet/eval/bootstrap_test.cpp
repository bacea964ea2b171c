#include "swiftlet/eval/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "swiftlet/core/error.h"
#include "swiftlet/core/rng.h"

namespace swiftlet {
namespace {

std::vector<double> uniform_values(std::uint64_t seed, std::size_t count) {
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = uniform(seed, 99, i);
  return values;
}

ResampledMetric mean_of(const std::vector<double>& values) {
  return [&values](std::span<const std::size_t> indices) {
    double sum = 0;
    for (const std::size_t i : indices) sum += values[i];
    return sum / static_cast<double>(indices.size());
  };
}

TEST(Bootstrap, IntervalOfAMeanIsTheNormalOne) {
  const std::vector<double> values = uniform_values(1, 400);
  double sum = 0, squares = 0;
  for (const double value : values) sum += value;
  const double middle = sum / 400;
  for (const double value : values) squares += (value - middle) * (value - middle);
  const double half = 1.959964 * std::sqrt(squares / 400 / 400);
  const Interval interval = bootstrap_interval(400, mean_of(values), {.resamples = 4000});
  EXPECT_NEAR(interval.low, middle - half, 0.1 * half);
  EXPECT_NEAR(interval.high, middle + half, 0.1 * half);
}

TEST(Bootstrap, CoversTheTruthAsOftenAsItSays) {
  int covered = 0;
  for (std::uint64_t trial = 0; trial < 200; ++trial) {
    const std::vector<double> values = uniform_values(1000 + trial, 60);
    const Interval interval =
        bootstrap_interval(60, mean_of(values), {.resamples = 300, .confidence = 0.8, .seed = trial});
    covered += interval.low <= 0.5 && 0.5 <= interval.high ? 1 : 0;
  }
  EXPECT_NEAR(covered, 160, 25);  // more than four standard deviations of the binomial
}

TEST(Bootstrap, DependsOnTheSeedAlone) {
  const std::vector<double> values = uniform_values(2, 50);
  const Interval a = bootstrap_interval(50, mean_of(values), {.seed = 3});
  const Interval b = bootstrap_interval(50, mean_of(values), {.seed = 3});
  const Interval c = bootstrap_interval(50, mean_of(values), {.seed = 4});
  EXPECT_EQ(a.low, b.low);
  EXPECT_EQ(a.high, b.high);
  EXPECT_NE(a.low, c.low);
}

TEST(Bootstrap, EveryItemMayBeDrawn) {
  std::vector<int> seen(7);
  bootstrap_interval(7, [&](std::span<const std::size_t> indices) {
    for (const std::size_t i : indices) ++seen.at(i);
    return 0.0;
  });
  for (const int count : seen) EXPECT_NEAR(count, 1000, 150);
}

TEST(Bootstrap, RefusesWhatHasNoAnswer) {
  const std::vector<double> values = {1, 2};
  EXPECT_THROW(bootstrap_interval(0, mean_of(values)), Error);
  EXPECT_THROW(bootstrap_interval(2, mean_of(values), {.resamples = 0}), Error);
  EXPECT_THROW(bootstrap_interval(2, mean_of(values), {.confidence = 1}), Error);
  EXPECT_THROW(bootstrap_interval(2, [](auto) { return std::nan(""); }), Error);
}

}  // namespace
}  // namespace swiftlet
