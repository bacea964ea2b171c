#include "swiftlet/compress/calibrate/input_sample.h"

#include <gtest/gtest.h>

#include <cmath>

namespace swiftlet {
namespace {

TEST(InputSample, KeepsRowsEvenlyAndKnowsAllOfThem) {
  constexpr std::int64_t kWidth = 3, kRows = 25;
  std::vector<float> x;
  for (int r = 0; r < kRows; ++r)
    for (int c = 0; c < kWidth; ++c) x.push_back(static_cast<float>((r % 2 == 0 ? 1 : -1) * (r + 10 * c)));
  InputSample sample(kWidth, kRows, 10);
  sample.add(x.data(), 4);
  sample.add(x.data() + 4 * kWidth, kRows - 4);
  ASSERT_EQ(sample.rows(), 9) << "every third of 25";
  for (std::int64_t i = 0; i < sample.rows(); ++i)
    for (std::int64_t c = 0; c < kWidth; ++c)
      EXPECT_EQ(sample.values()[static_cast<std::size_t>(i * kWidth + c)],
                x[static_cast<std::size_t>(3 * i * kWidth + c)]);
  EXPECT_EQ(sample.largest(1), 34);
  EXPECT_DOUBLE_EQ(sample.mean(1), 22);
}

TEST(InputSample, DividesItsChannels) {
  const std::vector<float> x{2, -8, 6, 4};
  InputSample sample(2, 2, 2);
  sample.add(x.data(), 2);
  const std::vector<float> s{2, 4};
  sample.divide(s);
  EXPECT_EQ(sample.values(), (std::vector<float>{1, -2, 3, 1}));
  EXPECT_EQ(sample.largest(1), 2);
  EXPECT_DOUBLE_EQ(sample.mean(0), 2);
}

TEST(InputSample, TellsWhereARowWasNotFinite) {
  for (const float bad : {INFINITY, NAN}) {
    InputSample sample(2, 4, 1);
    const std::vector<float> x{1, 2, 3, bad, 5, 6};
    sample.add(x.data(), 3);
    EXPECT_FALSE(sample.finite()) << "in a row that is not kept";
  }
}

}  // namespace
}  // namespace swiftlet
