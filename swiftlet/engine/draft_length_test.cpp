#include "swiftlet/engine/draft_length.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "swiftlet/core/rng.h"

namespace swiftlet {
namespace {

// A machine on which a row more costs `slope` of what one costs in a plain step, and times are up to `noise`
// longer than that, `outliers` of them four times as long; sequences whose drafts are accepted with a
// probability that changes along the text.
struct Simulation {
  double slope = 0.1, noise = 0, round = 0, outliers = 0;
  std::int64_t sequences = 1, most = 15;
  std::function<double(std::int64_t token)> acceptance;
  std::size_t evidence = 2;

  // Tokens of a sequence each plain step's time, until there are so many.
  double speed(std::int64_t tokens) const {
    StepCosts costs(sequences * (1 + most));
    std::vector<DraftRecord> records(static_cast<std::size_t>(sequences), DraftRecord({0.5, 0.6, 0.8, 0.9}));
    std::vector<std::int64_t> made(records.size(), 0);
    double time = 0;
    for (std::uint64_t step = 0; made[0] < tokens; ++step) {
      StepPlan plan(sequences);
      plan.round_seconds = round;
      std::vector<std::int64_t> drafts, accepted;
      for (std::size_t i = 0; i < records.size(); ++i)
        drafts.push_back(plan.choose(costs, records[i], evidence, most));
      const double took = 1 + slope * double(plan.rows - sequences) / double(sequences);
      const double seen = took * (1 + noise * uniform(1, 0, step));
      costs.measured(plan.rows, uniform(3, 0, step) < outliers ? 4 * seen : seen);
      time += took + round * double(plan.rounds);
      for (std::size_t i = 0; i < records.size(); ++i) {
        std::int64_t right = 0;
        while (right < drafts[i] &&
               uniform(2, i, static_cast<std::uint64_t>(made[i] + right)) < acceptance(made[i] + right))
          ++right;
        records[i].verified(evidence, drafts[i], right);
        records[i].pay(plan.gain(costs, drafts[i], right));
        made[i] += 1 + right;
      }
    }
    std::int64_t all = 0;
    for (const std::int64_t one : made) all += one;
    return double(all) / double(sequences) / time;
  }
};

TEST(DraftLength, CostsLittleWhereNothingIsAccepted) {
  for (const double slope : {0.002, 0.03, 0.3, 1.0})
    for (const double noise : {0.0, 0.2})
      for (const double round : {0.0, 0.2})
        for (const std::int64_t sequences : {1, 4})
          for (const std::int64_t tokens : {100, 1000}) {
            const Simulation nothing{.slope = slope,
                                     .noise = noise,
                                     .round = round,
                                     .sequences = sequences,
                                     .acceptance = [](std::int64_t) { return 0.0; }};
            EXPECT_GT(nothing.speed(tokens), 0.97)
                << slope << " noise " << noise << " round " << round << ", " << sequences << ", " << tokens;
          }
}

// A copied text of 200 tokens: the speed is that of full drafts but for the steps in which their worth is
// found out.
TEST(DraftLength, DraftsMuchWhereMuchIsAccepted) {
  for (const double noise : {0.0, 0.2}) {
    Simulation copy{.slope = 0.05, .noise = noise, .acceptance = [](std::int64_t) { return 1.0; }};
    EXPECT_GT(copy.speed(200), 5) << "of " << 16 / (1 + 0.05 * 15);
    copy.outliers = 0.2;
    EXPECT_GT(copy.speed(200), 3.5);
    copy.sequences = 4;
    EXPECT_GT(copy.speed(200), 2);
  }
}

// However long nothing was accepted.
TEST(DraftLength, FindsOutWhenATextBeginsToPay) {
  const Simulation later{.slope = 0.05,
                         .acceptance = [](std::int64_t token) { return token < 500 ? 0.0 : 1.0; }};
  EXPECT_GT(later.speed(1000), 1.6) << "of " << 1000 / (500 + 500 / 9.1);
}

// Where drafts are right half of the time, a short draft is best: 1.5 tokens for 1.1 steps.
TEST(DraftLength, FindsTheLengthThatPays) {
  const Simulation half{.slope = 0.1, .noise = 0.1, .acceptance = [](std::int64_t) { return 0.5; }};
  EXPECT_GT(half.speed(1000), 1.3);
  const Simulation dear{.slope = 0.6, .noise = 0.1, .acceptance = [](std::int64_t) { return 0.5; }};
  EXPECT_GT(dear.speed(1000), 0.97);
}

TEST(StepCosts, AreStraightBetweenWhatWasMeasured) {
  StepCosts costs(8);
  EXPECT_FALSE(costs.knows(8));
  costs.measured(2, 1.0);
  EXPECT_TRUE(costs.knows(2));
  EXPECT_FALSE(costs.knows(1));
  EXPECT_DOUBLE_EQ(costs.seconds(1), 1);
  EXPECT_DOUBLE_EQ(costs.seconds(4), 1.25);  // a quarter of a row's share each, while nobody knows better
  costs.measured(6, 2.5);                    // 1.5 was expected
  EXPECT_DOUBLE_EQ(costs.seconds(6), 2);
  EXPECT_DOUBLE_EQ(costs.seconds(4), 1.5);
  EXPECT_DOUBLE_EQ(costs.seconds(8), 2.5);
  costs.measured(6, 9.0);  // something else ran
  EXPECT_DOUBLE_EQ(costs.seconds(6), 2.1);
  costs.measured(8, 1.2);  // so fewer rows take no longer
  EXPECT_DOUBLE_EQ(costs.seconds(6), 1.2);
}

}  // namespace
}  // namespace swiftlet
