#include "swiftlet/core/rng.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace swiftlet {
namespace {

// The known answers that the authors of the generator publish with it (philox4x32, 10 rounds).
TEST(Rng, PhiloxGivesThePublishedAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
            (std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Rng, EachOfSeedSequenceAndPositionMatters) {
  const double base = uniform(1, 2, 3);
  EXPECT_EQ(base, uniform(1, 2, 3));
  constexpr std::uint64_t kHigh = std::uint64_t{1} << 40;
  for (double other : {uniform(2, 2, 3), uniform(1, 3, 3), uniform(1, 2, 4), uniform(1 + kHigh, 2, 3),
                       uniform(1, 2 + kHigh, 3), uniform(1, 2, 3 + kHigh)})
    EXPECT_NE(base, other);
}

// 64 bins of 1000 expected draws: chi-square with 63 degrees of freedom has mean 63 and deviation 11.2; six
// deviations are never met by chance, and the draws are the same in each run.
TEST(Rng, UniformFillsTheUnitIntervalEvenly) {
  constexpr int kBins = 64, kEach = 1000;
  std::vector<int> bins(kBins);
  for (std::uint64_t position = 0; position < std::uint64_t{kBins} * kEach; ++position) {
    const double value = uniform(42, 0, position);
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    ++bins[static_cast<std::size_t>(value * kBins)];
  }
  double chi_square = 0;
  for (int count : bins) chi_square += (count - kEach) * double(count - kEach) / kEach;
  EXPECT_LT(std::fabs(chi_square - 63), 6 * 11.2) << chi_square;
}

}  // namespace
}  // namespace swiftlet
