#include "swiftlet/eval/distribution.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"

namespace swiftlet {
namespace {

using Floats = std::vector<float>;

TEST(Distribution, EqualsTorch) {
  const auto cases =
      nlohmann::json::parse(read_text_file(SWIFTLET_SOURCE_DIR "/tests/data/metrics/divergence.json"));
  DivergenceMeter meter;
  std::size_t agreed = 0;
  for (const auto& row : cases["rows"]) {
    const Floats reference = row["reference"], model = row["model"];
    EXPECT_NEAR(kl_divergence(reference, model), row["kl"], 1e-11);
    EXPECT_NEAR(negative_log_likelihood(reference, row["target"]), row["nll"], 1e-11);
    EXPECT_NEAR(log_sum_exp(reference), row["log_sum_exp"], 1e-11);
    EXPECT_EQ(top_1(reference), row["top_1"][0].get<std::size_t>());
    EXPECT_EQ(top_1(model), row["top_1"][1].get<std::size_t>());
    agreed += row["top_1"][0] == row["top_1"][1] ? 1 : 0;
    meter.add(reference, model);
  }
  const DivergenceSummary summary = meter.summary();
  EXPECT_EQ(summary.rows, 4u);
  EXPECT_NEAR(summary.mean_kl, cases["mean_kl"], 1e-11);
  EXPECT_NEAR(summary.p95_kl, cases["p95_kl"], 1e-11);
  EXPECT_EQ(summary.max_kl, *std::max_element(meter.rows().begin(), meter.rows().end()));
  EXPECT_DOUBLE_EQ(summary.top1_agreement, static_cast<double>(agreed) / 4);
}

TEST(Distribution, StaysFiniteAtTheEdgeOfF32) {
  EXPECT_NEAR(log_sum_exp(Floats{3e38f, 3e38f}), static_cast<double>(3e38f), 1e24);
  EXPECT_NEAR(negative_log_likelihood(Floats{1000, 1000}, 0), std::log(2), 1e-12);
  EXPECT_NEAR(negative_log_likelihood(Floats{-1000, 0}, 0), 1000, 1e-12);
}

TEST(Distribution, EqualRowsDivergeByNothing) {
  const Floats row = {0.1f, -3, 7.7f, 2};
  Floats shifted = row;
  for (float& value : shifted) value += 64;  // softmax does not see a shift
  EXPECT_EQ(kl_divergence(row, row), 0);
  EXPECT_NEAR(kl_divergence(row, shifted), 0, 1e-10);
  EXPECT_GE(kl_divergence(row, shifted), 0);
}

TEST(Distribution, MaskedTokensHaveNoProbability) {
  const float masked = -INFINITY;
  EXPECT_EQ(negative_log_likelihood(Floats{0, masked}, 1), INFINITY);
  EXPECT_EQ(kl_divergence(Floats{0, 0}, Floats{0, masked}), INFINITY);
  EXPECT_NEAR(kl_divergence(Floats{0, masked}, Floats{0, 0}), std::log(2), 1e-15);
  EXPECT_EQ(kl_divergence(Floats{0, masked}, Floats{5, masked}), 0);
}

TEST(Distribution, TopIsTheLowestOfEquals) {
  EXPECT_EQ(top_1(Floats{1, 3, 3, 2}), 1u);
}

TEST(Distribution, RefusesWhatIsNoDistribution) {
  EXPECT_THROW(log_sum_exp({}), Error);
  EXPECT_THROW(log_sum_exp(Floats{1, NAN}), Error);
  EXPECT_THROW(log_sum_exp(Floats{INFINITY, 0}), Error);
  EXPECT_THROW(log_sum_exp(Floats{-INFINITY, -INFINITY}), Error);
  EXPECT_THROW(negative_log_likelihood(Floats{1, 2}, 2), Error);
  EXPECT_THROW(kl_divergence(Floats{1, 2}, Floats{1, 2, 3}), Error);
  EXPECT_THROW(DivergenceMeter().summary(), Error);
}

}  // namespace
}  // namespace swiftlet
