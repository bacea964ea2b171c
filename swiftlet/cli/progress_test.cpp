#include "swiftlet/cli/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "swiftlet/cli/table.h"

namespace swiftlet::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ProgressLine, TellsShareCountRateAndTimeLeft) {
  const std::string line = progress_line("evaluate", 1140, 1000, 3000, 4.0, 80);
  EXPECT_THAT(line, HasSubstr("evaluate  [========"));
  EXPECT_THAT(line, HasSubstr(" 38%  1,140/3,000  250.0/s  0:08 left"));
  EXPECT_LE(display_width(line), 80u);
}

TEST(ProgressLine, DoesNotGuessEarlyOrWithoutATotal) {
  EXPECT_THAT(progress_line("x", 1, 1, 100, 0.1, 80), Not(HasSubstr("left")));
  EXPECT_EQ(progress_line("x", 1500, 1500, 0, 10, 80), "x  1,500  150.0/s");
}

TEST(ProgressLine, FitsAnyWidth) {
  for (std::size_t width = 1; width < 120; ++width)
    EXPECT_LE(display_width(progress_line("größer 模型", 5, 5, 10, 2, width)), width);
}

TEST(ProgressLine, IsFullAtTheEnd) {
  const std::string line = progress_line("x", 10, 10, 10, 5, 60);
  EXPECT_THAT(line, HasSubstr("=]"));
  EXPECT_THAT(line, HasSubstr("100%"));
  EXPECT_THAT(line, Not(HasSubstr("left")));
}

}  // namespace
}  // namespace swiftlet::cli
