#include "swiftlet/cli/format.h"

#include <gtest/gtest.h>

#include <limits>

#include "swiftlet/cli/command.h"

namespace swiftlet::cli {
namespace {

TEST(Format, Bytes) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.0 kB");
  EXPECT_EQ(human_bytes(999'960), "1.0 MB");
  EXPECT_EQ(human_bytes(14'012'345), "14.0 MB");
  EXPECT_EQ(human_bytes(140'000'000'000), "140.0 GB");
}

TEST(Format, Numbers) {
  EXPECT_EQ(grouped(-1234567), "-1,234,567");
  EXPECT_EQ(grouped(100), "100");
  EXPECT_EQ(human_number(12345.6), "12,346");
  EXPECT_EQ(human_number(532.14), "532.1");
  EXPECT_EQ(human_number(32.856), "32.86");
  EXPECT_EQ(human_number(0.82034), "0.8203");
  EXPECT_EQ(human_number(std::numeric_limits<double>::infinity()), "inf");
}

TEST(Format, Times) {
  EXPECT_EQ(human_seconds(0.34), "340 ms");
  EXPECT_EQ(human_seconds(12.34), "12.3 s");
  EXPECT_EQ(human_seconds(125), "2 min 5 s");
  EXPECT_EQ(clock_time(4.2), "0:05");
  EXPECT_EQ(clock_time(3723), "1:02:03");
}

TEST(Nearest, FindsWhatWasMeant) {
  const std::vector<std::string> names{"--temperature", "--top-k", "--top-p", "--max-tokens"};
  EXPECT_EQ(nearest("--tempreture", names), "--temperature");
  EXPECT_EQ(nearest("--max", names), "--max-tokens");
  EXPECT_EQ(nearest("--verbose", names), "");
}

TEST(ParseNumber, TakesDecimalOnly) {
  std::uint64_t whole = 0;
  EXPECT_TRUE(parse_number("18446744073709551615", whole));
  for (const char* wrong : {"-1", "010", "0x10", "1 ", "", "18446744073709551616", "1.5"})
    EXPECT_FALSE(parse_number(wrong, whole)) << wrong;
  double real = 0;
  EXPECT_TRUE(parse_number("0.5", real));
  EXPECT_FALSE(parse_number("0.5x", real));
}

}  // namespace
}  // namespace swiftlet::cli
