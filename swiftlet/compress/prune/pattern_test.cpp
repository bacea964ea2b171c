#include "swiftlet/compress/prune/pattern.h"

#include <gtest/gtest.h>

#include "swiftlet/compress/prune/pruning.h"
#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

template <class Call>
std::string usage_error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    return error.what();
  }
  return "nothing was thrown";
}

TEST(PrunePattern, ReadsWhatItWrites) {
  using Kind = PrunePattern::Kind;
  const std::pair<const char*, PrunePattern> known[] = {
      {"50%", {.ratio = 0.5}},
      {"33.3%", {.ratio = 33.3 / 100}},
      {"1x4:60%", {.ratio = 0.6, .block_columns = 4}},
      {"4x4:0.5%", {.ratio = 0.005, .block_rows = 4, .block_columns = 4}},
      {"2:4", {.kind = Kind::kGroups, .keep = 2, .group = 4}},
      {"1:128", {.kind = Kind::kGroups, .keep = 1, .group = 128}},
      {"below:0.0125", {.kind = Kind::kBelow, .threshold = 0.0125f}}};
  for (const auto& [text, pattern] : known) {
    EXPECT_EQ(parse_prune_pattern(text), pattern) << text;
    EXPECT_EQ(to_string(pattern), text);
  }
}

TEST(PrunePattern, RefusesWhatIsNone) {
  const auto error_of = [](const char* text) { return usage_error_of([&] { parse_prune_pattern(text); }); };
  for (const char* text : {"", "50", "%", "x%", "50%%", " 50%", "8x8:50%", "1x4:2:4", "2:", ":4", "2:4:8",
                           "a:b", "below:", "below:x", "1x4:", "99999999999999999999:4", "nan:4"})
    EXPECT_EQ(error_of(text),
              fmt::format("[prune] '{}' is no pattern: expected 50%, 2:4, 1x4:50%, 4x4:50% or "
                          "below:0.01",
                          text));
  for (const char* text : {"0%", "100%", "-3%", "1x4:120%", "nan%", "inf%"})
    EXPECT_NE(error_of(text).find("[prune] the ratio must be above 0% and below 100%, is "),
              std::string::npos)
        << error_of(text);
  for (const char* text : {"0:4", "4:4", "5:4", "-1:4", "2:129"})
    EXPECT_EQ(
        error_of(text),
        fmt::format("[prune] of N:M, N must be at least 1 and below M, and M at most 128, is {}", text));
  for (const char* text : {"below:0", "below:-1", "below:nan", "below:inf"})
    EXPECT_NE(error_of(text).find("[prune] the threshold must be a positive number"), std::string::npos)
        << text;
}

TEST(PrunePattern, NamesTheMatrixThatItDoesNotDivide) {
  const auto error_of = [](const char* pattern, std::int64_t rows, std::int64_t columns) -> std::string {
    try {
      check_pattern(parse_prune_pattern(pattern), {.name = "layer.w", .shape = {rows, columns}});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(error_of("2:4", 3, 10), "[layer.w] pruning by 2:4 wants a multiple of 4 columns, this has 10");
  EXPECT_EQ(error_of("1x4:50%", 3, 10),
            "[layer.w] pruning by 1x4:50% wants a multiple of 4 columns, this has 10");
  EXPECT_EQ(error_of("4x4:50%", 6, 8), "[layer.w] pruning by 4x4:50% wants a multiple of 4 rows, this has 6");
  for (const char* pattern : {"2:4", "1x4:50%", "50%", "below:1"}) EXPECT_EQ(error_of(pattern, 3, 8), "");
  EXPECT_EQ(error_of("50%", 3, 7), "");
}

TEST(Pruning, KnowsItsMethods) {
  for (const char* method : {"magnitude", "wanda", "sparsegpt"})
    EXPECT_EQ(to_string(parse_pruning("50%", method).method), method);
  EXPECT_FALSE(parse_pruning("below:1", "magnitude").needs_calibration());
  EXPECT_TRUE(parse_pruning("2:4", "wanda").needs_calibration());
  EXPECT_EQ(usage_error_of([] { parse_pruning("50%", "luck"); }),
            "[prune-method] 'luck' is not known; known are magnitude, wanda, sparsegpt");
  EXPECT_EQ(usage_error_of([] { parse_pruning("below:1", "wanda"); }),
            "[prune] below:1 is a threshold of magnitudes, which wanda does not look at");
}

}  // namespace
}  // namespace swiftlet
