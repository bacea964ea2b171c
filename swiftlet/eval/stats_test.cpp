#include "swiftlet/eval/stats.h"

#include <gtest/gtest.h>

#include <cmath>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

TEST(MeanOf, TakesTheValuesAtTheIndicesEachAsOftenAsItIsThere) {
  const std::vector<double> values{1, 10, 100};
  const std::vector<std::size_t> drawn{0, 2, 2, 0};
  EXPECT_DOUBLE_EQ(mean_of(values, drawn), 50.5);
  EXPECT_THROW(mean_of(values, {}), Error);
}

TEST(Stats, SumKeepsWhatPlainAdditionLoses) {
  CompensatedSum sum;
  sum.add(1e16);
  for (int i = 0; i < 1000; ++i) sum.add(0.25);
  sum.add(-1e16);
  EXPECT_EQ(sum.value(), 250);
}

TEST(Stats, SumPassesInfinityOn) {
  CompensatedSum sum;
  sum.add(1);
  sum.add(INFINITY);
  sum.add(2);
  EXPECT_EQ(sum.value(), INFINITY);
}

TEST(Stats, MeanIsExactForTenths) {
  const std::vector<double> values(10, 0.1);
  EXPECT_EQ(mean(values), 0.1);
  EXPECT_THROW(mean({}), Error);
}

TEST(Stats, QuantileInterpolatesAsNumpy) {
  // numpy.quantile([7, 1, 3, 2], [0, .1, .5, .75, .95, 1])
  const std::vector<double> values = {7, 1, 3, 2};
  EXPECT_DOUBLE_EQ(quantile(values, 0), 1);
  EXPECT_DOUBLE_EQ(quantile(values, 0.1), 1.3);
  EXPECT_DOUBLE_EQ(quantile(values, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(quantile(values, 0.75), 4);
  EXPECT_DOUBLE_EQ(quantile(values, 0.95), 6.4);
  EXPECT_DOUBLE_EQ(quantile(values, 1), 7);
}

TEST(Stats, QuantileBetweenInfinitiesIsInfinite) {
  EXPECT_EQ(quantile({1, INFINITY, INFINITY}, 0.9), INFINITY);
}

TEST(Stats, QuantileRefusesWhatHasNoAnswer) {
  EXPECT_THROW(quantile({}, 0.5), Error);
  EXPECT_THROW(quantile({1, NAN}, 0.5), Error);
  EXPECT_THROW(quantile({1}, 1.5), Error);
  EXPECT_THROW(quantile({1}, NAN), Error);
}

}  // namespace
}  // namespace swiftlet
