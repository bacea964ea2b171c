#include "swiftlet/eval/perplexity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"

namespace swiftlet {
namespace {

TEST(Perplexity, WindowsEqualTheTransformersLoop) {
  const auto cases =
      nlohmann::json::parse(read_text_file(SWIFTLET_SOURCE_DIR "/tests/data/metrics/windows.json"));
  for (const auto& item : cases) {
    const auto windows = plan_windows(item["tokens"], item["context"], item["stride"]);
    SCOPED_TRACE(item["tokens"].dump());
    ASSERT_EQ(windows.size(), item["count"].get<std::size_t>());
    std::size_t scored = 0;
    for (const Window& window : windows) scored += window.scored();
    EXPECT_EQ(scored, item["scored"].get<std::size_t>());
    if (item["windows"].is_null()) continue;
    for (std::size_t i = 0; i < windows.size(); ++i) {
      const auto& expected = item["windows"][i];
      EXPECT_EQ(windows[i], (Window{expected[0], expected[1], expected[2]})) << "window " << i;
    }
  }
}

TEST(Perplexity, WindowsAreThoseOfThePublishedRun) {
  const auto reference =
      nlohmann::json::parse(read_text_file(SWIFTLET_SOURCE_DIR "/tests/data/stories-7m/reference.json"));
  const auto windows =
      plan_windows(reference["validation"]["tokens"], reference["context"], reference["stride"]);
  const auto expect_window = [](const Window& window, const nlohmann::json& expected) {
    EXPECT_EQ(window.begin, expected["begin"].get<std::size_t>());
    EXPECT_EQ(window.end, expected["end"].get<std::size_t>());
    EXPECT_EQ(window.scored(), expected["scored"].get<std::size_t>());
  };
  for (std::size_t i = 0; i < 8; ++i) expect_window(windows.at(i), reference["first_windows"].at(i));
  expect_window(windows.back(), reference["last_window"]);
}

TEST(Perplexity, EveryTokenButTheFirstIsScoredOnce) {
  for (std::size_t context = 2; context <= 9; ++context)
    for (std::size_t stride = 1; stride < context; ++stride)
      for (std::size_t tokens = 2; tokens <= 40; ++tokens) {
        std::vector<int> scored(tokens);
        for (const Window& window : plan_windows(tokens, context, stride)) {
          ASSERT_LE(window.end - window.begin, context);
          ASSERT_GT(window.first_scored, window.begin);
          for (std::size_t i = window.first_scored; i < window.end; ++i) ++scored.at(i);
        }
        EXPECT_EQ(scored[0], 0);
        for (std::size_t i = 1; i < tokens; ++i)
          ASSERT_EQ(scored[i], 1) << context << ' ' << stride << ' ' << i;
      }
}

TEST(Perplexity, WithoutOverlapTheFirstOfEachWindowIsUnscored) {
  const auto windows = plan_windows(9, 4, 4);
  ASSERT_EQ(windows.size(), 2u);  // token 8 alone would have no context
  EXPECT_EQ(windows[0], (Window{0, 4, 1}));
  EXPECT_EQ(windows[1], (Window{4, 8, 5}));
}

TEST(Perplexity, HugeContextIsOneWindow) {
  const auto windows = plan_windows(10, SIZE_MAX, SIZE_MAX);
  ASSERT_EQ(windows.size(), 1u);
  EXPECT_EQ(windows[0], (Window{0, 10, 1}));
}

TEST(Perplexity, RefusesPlansWithoutMeaning) {
  EXPECT_THROW(plan_windows(10, 1, 1), Error);
  EXPECT_THROW(plan_windows(10, 8, 0), Error);
  EXPECT_THROW(plan_windows(10, 8, 9), Error);
  EXPECT_THROW(plan_windows(1, 8, 4), Error);
  EXPECT_THROW(plan_windows(0, 8, 4), Error);
}

TEST(Perplexity, MeterGivesTheGeometricMean) {
  PerplexityMeter meter;
  for (const double probability : {0.5, 0.125, 0.25}) meter.add(-std::log(probability));
  EXPECT_EQ(meter.scored(), 3u);
  EXPECT_NEAR(meter.perplexity(), 4.0, 1e-14);
  EXPECT_NEAR(meter.bits_per_byte(12), 0.5, 1e-15);  // 1 + 3 + 2 bits
}

TEST(Perplexity, BitsPerByteOfAPublishedRun) {
  // stories-7m on its validation text: 102,577 tokens scored, perplexity 32.855947, 371,624 bytes.
  PerplexityMeter meter;
  const double nll = std::log(32.855947);
  for (int i = 0; i < 102577; ++i) meter.add(nll);
  EXPECT_NEAR(meter.perplexity(), 32.855947, 1e-10);
  EXPECT_NEAR(meter.bits_per_byte(371624), 1.39063, 5e-6);
}

TEST(Perplexity, MeterTakesImpossibleTokensButNoNan) {
  PerplexityMeter meter;
  EXPECT_THROW(meter.perplexity(), Error);
  EXPECT_THROW(meter.add(NAN), Error);
  meter.add(1);
  meter.add(INFINITY);
  EXPECT_EQ(meter.perplexity(), INFINITY);
  EXPECT_THROW(meter.bits_per_byte(0), Error);
}

}  // namespace
}  // namespace swiftlet
