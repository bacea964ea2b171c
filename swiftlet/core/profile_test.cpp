#include "swiftlet/core/profile.h"

#include <gtest/gtest.h>

namespace swiftlet {
namespace {

TEST(Profile, SumsCallsTimesAndCostsOfEachRow) {
  Profile profile;
  profile.add_row("layers.0.mlp", "linear");
  profile.add_row("norm", "rms_norm");
  profile.record(0, 100, 130);
  profile.record(1, 130, 135);
  profile.record(0, 200, 220);
  profile.add_cost(0, 64, 1000);
  profile.add_cost(0, 64, 500);
  profile.record_whole(100, 140);
  profile.record_whole(200, 220);
  EXPECT_EQ(profile.rows()[0].calls, 2);
  EXPECT_EQ(profile.rows()[0].nanoseconds, 50);
  EXPECT_EQ(profile.rows()[0].bytes, 128);
  EXPECT_EQ(profile.rows()[0].operations, 1500);
  EXPECT_EQ(profile.rows()[1].group, "rms_norm");
  EXPECT_EQ(profile.rows()[1].nanoseconds, 5);
  EXPECT_EQ(profile.whole().calls, 2);
  EXPECT_EQ(profile.whole().nanoseconds, 60);
  EXPECT_TRUE(profile.spans().empty());
}

TEST(Profile, KeepsAsManySpansAsWereAskedForAndCountsTheRest) {
  Profile profile(3);
  profile.add_row("a", "a");
  const void* const place = profile.spans().data();
  for (int i = 0; i < 5; ++i) profile.record(0, 10 * i, 10 * i + 4);
  profile.record_whole(0, 44);
  ASSERT_EQ(profile.spans().size(), 3u);
  EXPECT_EQ(profile.spans()[2].begin, 20);
  EXPECT_EQ(profile.spans()[2].end, 24);
  EXPECT_EQ(profile.lost_spans(), 3);
  EXPECT_EQ(profile.rows()[0].calls, 5);  // sums lose nothing
  EXPECT_EQ(profile.spans().data(), place);
}

TEST(Profile, TheClockDoesNotGoBack) {
  const std::int64_t before = Profile::now();
  EXPECT_LE(before, Profile::now());
}

}  // namespace
}  // namespace swiftlet
