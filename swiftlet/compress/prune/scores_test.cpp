// Magnitude and Wanda, which differ in their scores and in who is compared with whom.
#include "swiftlet/compress/prune/scores.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "swiftlet/compress/prune/magnitude.h"
#include "swiftlet/compress/prune/wanda.h"
#include "swiftlet/core/error.h"
#include "swiftlet/kernels/test_values.h"

namespace swiftlet {
namespace {

constexpr std::int64_t kN = 19, kK = 40, kRows = 30;  // a last panel that is not full

struct Layer {
  ThreadPool pool{2};
  Dense dense{pool};
  SecondMoments moments{kK};
  std::vector<float> values = kernels::random_values(kN * kK, 5);
  std::vector<float> x = kernels::random_values(kRows * kK, 6);
  Weight weight;

  Layer() {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] *= static_cast<float>(1 + i % kK % 7);
    moments.add(dense, x.data(), kRows);
    weight = weight_from_tensor("w", Tensor::from(values, {kN, kK}));
  }
  double magnitude(std::int64_t r, std::int64_t c) const {
    return std::fabs(values[static_cast<std::size_t>(r * kK + c)]);
  }
  double norm(std::int64_t column) const {
    double sum = 0;
    for (std::int64_t r = 0; r < kRows; ++r) {
      const double value = x[static_cast<std::size_t>(r * kK + column)];
      sum += value * value;
    }
    return std::sqrt(sum);
  }
};

TEST(Magnitude, ComparesTheWholeMatrix) {
  Layer layer;
  const Mask mask = magnitude_mask(parse_prune_pattern("60%"), layer.weight, layer.pool);
  std::vector<double> sorted;
  for (std::int64_t i = 0; i < kN * kK; ++i) sorted.push_back(layer.magnitude(i / kK, i % kK));
  std::sort(sorted.begin(), sorted.end());
  const double limit = sorted[kN * kK * 6 / 10];  // the least that stays
  for (std::int64_t r = 0; r < kN; ++r)
    for (std::int64_t c = 0; c < kK; ++c) EXPECT_EQ(mask.at(r, c), layer.magnitude(r, c) < limit);
}

TEST(Magnitude, AThresholdIsOne) {
  Layer layer;
  const Mask mask = magnitude_mask(parse_prune_pattern("below:0.3"), layer.weight, layer.pool);
  for (std::int64_t r = 0; r < kN; ++r)
    for (std::int64_t c = 0; c < kK; ++c) EXPECT_EQ(mask.at(r, c), layer.magnitude(r, c) < 0.3f);
}

TEST(Wanda, ComparesTheWeightsOfAnOutputTimesTheirInputs) {
  Layer layer;
  const Mask mask = wanda_mask(parse_prune_pattern("60%"), layer.weight, layer.moments, layer.pool);
  std::int64_t unlike_magnitude = 0;
  for (std::int64_t r = 0; r < kN; ++r) {
    std::vector<double> scores;
    for (std::int64_t c = 0; c < kK; ++c) scores.push_back(layer.magnitude(r, c) * layer.norm(c));
    std::vector<double> sorted = scores;
    std::sort(sorted.begin(), sorted.end());
    for (std::int64_t c = 0; c < kK; ++c) {
      EXPECT_EQ(mask.at(r, c), scores[static_cast<std::size_t>(c)] < sorted[kK * 6 / 10]) << r << ", " << c;
      unlike_magnitude += mask.at(r, c) && layer.magnitude(r, c) > 0.5;
    }
  }
  EXPECT_GT(unlike_magnitude, 0) << "large weights of small inputs go";
}

TEST(Wanda, BlocksAreComparedWithinTheirRow) {
  Layer layer;
  const Mask mask = wanda_mask(parse_prune_pattern("1x4:50%"), layer.weight, layer.moments, layer.pool);
  for (std::int64_t r = 0; r < kN; ++r) {
    std::vector<double> sums(kK / 4);
    for (std::int64_t c = 0; c < kK; ++c)
      sums[static_cast<std::size_t>(c / 4)] += layer.magnitude(r, c) * layer.norm(c);
    std::vector<double> sorted = sums;
    std::sort(sorted.begin(), sorted.end());
    for (std::int64_t c = 0; c < kK; ++c)
      EXPECT_EQ(mask.at(r, c), sums[static_cast<std::size_t>(c / 4)] < sorted[sorted.size() / 2]);
  }
}

TEST(Scores, RefuseWhatIsNotFinite) {
  Layer layer;
  layer.values[kK + 3] = INFINITY;
  const Weight broken = weight_from_tensor("w", Tensor::from(layer.values, {kN, kK}));
  const PrunePattern pattern = parse_prune_pattern("2:4");
  for (const bool wanda : {false, true}) try {
      wanda ? wanda_mask(pattern, broken, layer.moments, layer.pool)
            : magnitude_mask(pattern, broken, layer.pool);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "[w] expected finite values, row 1 column 3 is inf");
    }
}

TEST(Scores, CountZerosOfWhatIsStored) {
  ThreadPool pool(2);
  std::vector<float> values(6 * 10, 1.0f);
  for (std::size_t i = 0; i < values.size(); i += 4) values[i] = i % 8 == 0 ? 0.0f : -0.0f;
  values[1] = 1e-3f;  // which 4 bits round to zero
  const Weight weight = weight_from_tensor("w", Tensor::from(values, {6, 10}));
  EXPECT_EQ(share_of_zeros(weight, pool), 15.0 / 60);
  EXPECT_EQ(share_of_zeros(encode(weight, {Format::kInt4, 0, false}), pool), 16.0 / 60);
}

}  // namespace
}  // namespace swiftlet
