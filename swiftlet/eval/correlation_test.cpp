#include "swiftlet/eval/correlation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"

namespace swiftlet {
namespace {

using Doubles = std::vector<double>;

TEST(Correlation, EqualsScipy) {
  const auto cases =
      nlohmann::json::parse(read_text_file(SWIFTLET_SOURCE_DIR "/tests/data/metrics/correlation.json"));
  ASSERT_EQ(cases.size(), 6u);
  for (const auto& item : cases) {
    const Doubles x = item["x"], y = item["y"];
    // Beside an offset of 1e9 the inputs themselves have only seven digits of variation, so scipy's last
    // digits are rounding.
    const double tolerance = item["name"] == "large_offset" ? 1e-7 : 1e-12;
    EXPECT_NEAR(pearson(x, y), item["pearson"], tolerance) << item["name"];
    EXPECT_NEAR(spearman(x, y), item["spearman"], 1e-12) << item["name"];
    EXPECT_EQ(average_ranks(x), item["ranks_x"].get<Doubles>()) << item["name"];
  }
}

TEST(Correlation, TiesShareTheirAverageRank) {
  EXPECT_EQ(average_ranks(Doubles{10, 20, 10}), (Doubles{1.5, 3, 1.5}));
  EXPECT_EQ(average_ranks(Doubles{5, 5, 5}), (Doubles{2, 2, 2}));
  EXPECT_EQ(average_ranks({}), Doubles{});
}

TEST(Correlation, SurvivesExtremeMagnitudes) {
  EXPECT_NEAR(pearson(Doubles{1e300, 2e300, 4e300}, Doubles{1, 2, 4}), 1, 1e-12);
  EXPECT_NEAR(pearson(Doubles{-1.7e308, 1.7e308, 0}, Doubles{-1, 1, 0}), 1, 1e-12);
  EXPECT_NEAR(pearson(Doubles{1e-320, 2e-320, 4e-320}, Doubles{1, 2, 4}), 1, 1e-3);
}

TEST(Correlation, StaysWithinOne) {
  const Doubles x = {0.1, 0.2, 0.3, 0.7};
  EXPECT_LE(pearson(x, x), 1.0);
  EXPECT_NEAR(pearson(x, x), 1.0, 1e-15);
  EXPECT_NEAR(spearman(x, Doubles{4, 3, 2, 1}), -1.0, 1e-15);
}

std::string message_of(const Doubles& x, const Doubles& y) {
  try {
    spearman(x, y);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalid);
    return error.what();
  }
  return "no error";
}

TEST(Correlation, ErrorsNameTheFault) {
  using testing::HasSubstr;
  EXPECT_THAT(message_of({1, 2, 3}, {1, 2}), HasSubstr("one length, got 3 and 2"));
  EXPECT_THAT(message_of({1}, {1}), HasSubstr("at least 2 points, got 1"));
  EXPECT_THAT(message_of({}, {}), HasSubstr("at least 2 points, got 0"));
  EXPECT_THAT(message_of({1, NAN}, {1, 2}), HasSubstr("value 1 of the first list must be finite, got nan"));
  EXPECT_THAT(message_of({1, 2}, {INFINITY, 2}), HasSubstr("value 0 of the second list must be finite"));
  EXPECT_THAT(message_of({1, 2}, {3, 3}), HasSubstr("the second list is constant (2 times 3)"));
  EXPECT_THROW(pearson(Doubles{2, 2}, Doubles{1, 2}), Error);
}

}  // namespace
}  // namespace swiftlet
