#include "swiftlet/graph/dim.h"

#include <gtest/gtest.h>

#include <map>

#include "swiftlet/core/rng.h"

namespace swiftlet {
namespace {

const Dim kTokens = Dim::symbol("tokens");
const Dim kLength = Dim::symbol("length");

std::int64_t at(const Dim& dim, std::int64_t tokens, std::int64_t length = 0) {
  return dim.evaluate([&](std::string_view name) { return name == "tokens" ? tokens : length; });
}

TEST(Dim, NumbersAreDimensions) {
  const Dim five = 5;
  EXPECT_TRUE(five.is_constant());
  EXPECT_EQ(five.constant(), 5);
  EXPECT_EQ(five.symbol_name(), "");
  EXPECT_EQ(five.to_string(), "5");
  EXPECT_EQ(five + Dim(-5), Dim(0));
}

TEST(Dim, NamesASingleSymbolOnly) {
  EXPECT_EQ(kTokens.symbol_name(), "tokens");
  EXPECT_EQ((kTokens + 1).symbol_name(), "");
  EXPECT_EQ((kTokens * 2).symbol_name(), "");
  EXPECT_EQ((kTokens + kLength).symbol_name(), "");
  EXPECT_EQ((kTokens + kLength - kLength).symbol_name(), "tokens");
  EXPECT_EQ(kTokens.floor_div(2).symbol_name(), "");
}

TEST(Dim, AffineExpressionsHaveOneForm) {
  EXPECT_EQ(kTokens + kLength, kLength + kTokens);
  EXPECT_EQ((kTokens + 3) * 2, kTokens * 2 + 6);
  EXPECT_EQ(kTokens - kTokens, Dim(0));
  EXPECT_TRUE((kTokens * 0).is_constant());
  EXPECT_NE(kTokens, kLength);
  EXPECT_NE(kTokens, kTokens * 2);
  EXPECT_NE(kTokens, kTokens + 1);
}

TEST(Dim, PrintsAsOneWouldWriteIt) {
  EXPECT_EQ((kTokens * 2 + 3).to_string(), "2*tokens + 3");
  EXPECT_EQ((kTokens - 1).to_string(), "tokens - 1");
  EXPECT_EQ((Dim(4) - kTokens).to_string(), "-tokens + 4");
  EXPECT_EQ((kTokens * 3 - kLength * 2).to_string(), "-2*length + 3*tokens");
  EXPECT_EQ((kLength * 3 - kTokens).to_string(), "3*length - tokens");
  EXPECT_EQ((kLength + 1).floor_div(2).to_string(), "(length + 1)/2");
  EXPECT_EQ(Dim(-7).to_string(), "-7");
  EXPECT_EQ(to_string(Dims{kTokens, 384}), "[tokens, 384]");
  EXPECT_EQ(to_string(Dims{}), "[]");
}

TEST(Dim, ExactDivisionsAreCarriedOut) {
  EXPECT_EQ((kTokens * 4 + 8).floor_div(4), kTokens + 2);
  EXPECT_EQ((kTokens * 4 + 7).floor_div(4), kTokens + 1);
  EXPECT_EQ((kTokens * 4 - 1).floor_div(4), kTokens - 1);
  EXPECT_EQ(Dim(7).floor_div(2), Dim(3));
  EXPECT_EQ(Dim(-7).floor_div(2), Dim(-4));
  EXPECT_EQ(kTokens.floor_div(1), kTokens);
}

TEST(Dim, FloorDivisionsHaveOneForm) {
  EXPECT_EQ((kTokens * 2 + 2).floor_div(4), (kTokens + 1).floor_div(2));  // common factors cancel
  EXPECT_EQ((kTokens * 2 + 3).floor_div(4), (kTokens + 1).floor_div(2));
  EXPECT_EQ((kTokens + 5).floor_div(2), (kTokens + 1).floor_div(2) + 2);  // what divides leaves the division
  EXPECT_EQ((kTokens * 3 + kLength * 2).floor_div(2), kTokens + kLength + kTokens.floor_div(2));
  EXPECT_EQ(kTokens.floor_div(2).floor_div(3), kTokens.floor_div(6));  // divisions do not nest
  EXPECT_EQ(((kTokens + 1).floor_div(2) + 1).floor_div(2), (kTokens + 3).floor_div(4));
  EXPECT_EQ((kTokens.floor_div(2) + kLength).floor_div(2), (kTokens + kLength * 2).floor_div(4));
  EXPECT_EQ(kTokens.floor_div(2) * 2 - kTokens.floor_div(2), kTokens.floor_div(2));
  EXPECT_NE(kTokens.floor_div(2) * 2, kTokens);
}

TEST(Dim, EvaluatesFloorsTowardsMinusInfinity) {
  EXPECT_EQ(at((kTokens - 5).floor_div(2), 0), -3);
  EXPECT_EQ(at((kTokens - 5).floor_div(2), 5), 0);
  EXPECT_EQ(at((kTokens + 1).floor_div(2) * 3 + kLength, 4, 10), 16);
}

TEST(Dim, RandomExpressionsKeepTheirValue) {
  std::uint64_t draw = 0;
  const auto next = [&](int below) { return static_cast<std::int64_t>(uniform(1, 0, draw++) * below); };
  for (int trial = 0; trial < 300; ++trial) {
    const std::int64_t tokens = next(60), length = next(60);
    Dim dim = next(9) - 4;
    std::int64_t value = dim.constant();
    for (int step = 0; step < 6; ++step) {
      const std::int64_t k = next(7) - 3, d = 1 + next(6);
      switch (next(5)) {
        case 0:
          dim = dim + kTokens * k, value += tokens * k;
          break;
        case 1:
          dim = dim - kLength * k, value -= length * k;
          break;
        case 2:
          dim = dim * k, value *= k;
          break;
        case 3:
          dim = dim + kTokens.floor_div(d) * k;
          value += tokens / d * k;
          break;
        default:
          dim = dim.floor_div(d);
          value = value >= 0 ? value / d : -((-value + d - 1) / d);
      }
    }
    ASSERT_EQ(at(dim, tokens, length), value) << dim.to_string() << " at " << tokens << ", " << length;
    const std::map<std::string, std::int64_t, std::less<>> largest{{"tokens", 60}, {"length", 60}};
    ASSERT_GE(dim.maximum([&](std::string_view name) { return largest.find(name)->second; }), value)
        << dim.to_string();
  }
}

TEST(Dim, MaximumTakesTheLeastOfWhatIsSubtracted) {
  const auto ten = [](std::string_view) { return 10; };
  EXPECT_EQ((kTokens * 2 + 3).maximum(ten), 23);
  EXPECT_EQ((kTokens - kLength).maximum(ten), 10);
  EXPECT_EQ((kTokens - kLength.floor_div(2) - 3).maximum(ten), 7);
  EXPECT_EQ((Dim(-1) - kTokens).maximum(ten), 0);
}

TEST(Dim, CollectsSymbolsAlsoInsideDivisions) {
  std::vector<std::string> names;
  (kTokens + kLength.floor_div(3)).collect_symbols(names);
  EXPECT_EQ(names.size(), 2u);
  EXPECT_NE(std::find(names.begin(), names.end(), "length"), names.end());
  EXPECT_TRUE((kTokens * 3 + 1).is_affine());
  EXPECT_FALSE((kTokens + kLength.floor_div(3)).is_affine());
}

}  // namespace
}  // namespace swiftlet
