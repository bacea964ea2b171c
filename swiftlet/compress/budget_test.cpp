#include "swiftlet/compress/budget.h"

#include <gtest/gtest.h>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

TEST(Budget, ReadsSharesAndAbsoluteNumbers) {
  EXPECT_TRUE(Budget::parse("0.5%").relative);
  EXPECT_DOUBLE_EQ(Budget::parse("0.5%").limit, 0.5);
  EXPECT_FALSE(Budget::parse("0.3").relative);
  for (const char* bad : {"", "%", "abc", "-1", "1x", "nan", "inf", "1 %"})
    EXPECT_THROW(Budget::parse(bad), Error) << bad;
}

TEST(Budget, LossIsPositiveWhenTheMetricGotWorse) {
  const Task& stsb = find_task("stsb");
  EXPECT_NEAR(Budget::parse("0.3").loss(stsb, 0.867, 0.865), 0.2, 1e-9);  // points
  EXPECT_NEAR(Budget::parse("1%").loss(stsb, 0.8, 0.796), 0.5, 1e-9);
  EXPECT_LT(Budget::parse("1%").loss(stsb, 0.8, 0.81), 0);
  const Task& perplexity = find_task("perplexity");
  EXPECT_NEAR(Budget::parse("1%").loss(perplexity, 32.0, 32.64), 2.0, 1e-9);
  EXPECT_NEAR(Budget::parse("1").loss(perplexity, 32.0, 32.5), 0.5, 1e-9);
}

TEST(Budget, AShareOfZeroIsRefused) {
  EXPECT_THROW(Budget::parse("1%").loss(find_task("kl"), 0, 0.1), Error);
}

}  // namespace
}  // namespace swiftlet
