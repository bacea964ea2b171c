#include "swiftlet/compress/search/allocate.h"

#include <gtest/gtest.h>

#include <limits>

#include "swiftlet/core/rng.h"

namespace swiftlet {
namespace {

using Weights = std::vector<std::vector<SizeLoss>>;

Weights random_weights(std::uint64_t seed, int count) {
  Weights weights;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(count); ++i) {
    std::vector<SizeLoss> choices;
    for (std::uint64_t j = 0; j < 4; ++j)
      choices.push_back(
          {static_cast<std::int64_t>(uniform(seed, i, 2 * j) * 1000) + 1, uniform(seed, i, 2 * j + 1)});
    weights.push_back(choices);
  }
  return weights;
}

// The least loss within so many bytes, of all combinations.
double least_loss(const Weights& weights, std::int64_t bytes) {
  double least = std::numeric_limits<double>::infinity();
  std::size_t combinations = 1;
  for (const auto& choices : weights) combinations *= choices.size();
  for (std::size_t i = 0; i < combinations; ++i) {
    SizeLoss total;
    std::size_t rest = i;
    for (const auto& choices : weights) {
      total.bytes += choices[rest % choices.size()].bytes;
      total.loss += choices[rest % choices.size()].loss;
      rest /= choices.size();
    }
    if (total.bytes <= bytes) least = std::min(least, total.loss);
  }
  return least;
}

TEST(Allocation, EveryPointOfTheFrontIsTheBestForItsBytes) {
  for (std::uint64_t seed = 1; seed < 8; ++seed) {
    const Weights weights = random_weights(seed, 5);
    const auto front = allocation_front(weights);
    ASSERT_GE(front.size(), 3u);
    for (std::size_t i = 0; i < front.size(); ++i) {
      SizeLoss sum;
      for (std::size_t w = 0; w < weights.size(); ++w) {
        sum.bytes += weights[w][front[i].chosen[w]].bytes;
        sum.loss += weights[w][front[i].chosen[w]].loss;
      }
      EXPECT_EQ(sum.bytes, front[i].total.bytes);
      EXPECT_NEAR(sum.loss, front[i].total.loss, 1e-12);
      EXPECT_NEAR(front[i].total.loss, least_loss(weights, front[i].total.bytes), 1e-12) << seed << ": " << i;
      EXPECT_TRUE(i == 0 || front[i].total.bytes < front[i - 1].total.bytes);
    }
  }
}

TEST(Allocation, EndsWithTheSmallestOfAll) {
  const Weights weights = random_weights(3, 6);
  std::int64_t smallest = 0;
  for (const auto& choices : weights) {
    std::int64_t least = choices[0].bytes;
    for (const SizeLoss& cost : choices) least = std::min(least, cost.bytes);
    smallest += least;
  }
  const auto front = allocation_front(weights);
  EXPECT_EQ(front.back().total.bytes, smallest);
  EXPECT_FALSE(first_within(front, smallest - 1));
  EXPECT_EQ(first_within(front, smallest)->total.bytes, smallest);
  EXPECT_EQ(first_within(front, std::int64_t{1} << 40)->total.loss, front.front().total.loss);
}

TEST(Allocation, TakesTheSmallerOfTwoThatLoseTheSame) {
  const Weights weights{{{100, 0.5}, {60, 0.5}, {80, 0.5}}};
  const auto front = allocation_front(weights);
  ASSERT_EQ(front.size(), 1u);
  EXPECT_EQ(front[0].chosen[0], 1u);
}

}  // namespace
}  // namespace swiftlet
