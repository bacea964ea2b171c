#include "swiftlet/eval/roofline.h"

#include <gtest/gtest.h>

namespace swiftlet {
namespace {

const kernels::MachineLimits kMachine{
    .threads = 2, .read_bytes = 10e9, .f32_ops = 100e9, .bf16_ops = 0, .int8_ops = 400e9};

TEST(Roofline, TheLimitThatTakesLongerBinds) {
  // A gigabyte takes 0.1 s to read; 5 G operations 0.05 s, 20 G operations 0.2 s.
  const Roofline memory = roofline(1e9, 5e9, 0.4, Arithmetic::kF32, kMachine);
  EXPECT_DOUBLE_EQ(memory.percent, 25);
  EXPECT_EQ(memory.bound, Bound::kMemory);
  const Roofline compute = roofline(1e9, 20e9, 0.4, Arithmetic::kF32, kMachine);
  EXPECT_DOUBLE_EQ(compute.percent, 50);
  EXPECT_EQ(compute.bound, Bound::kCompute);
}

TEST(Roofline, EachArithmeticHasItsOwnLimit) {
  EXPECT_DOUBLE_EQ(roofline(0, 40e9, 1, Arithmetic::kF32, kMachine).percent, 40);
  EXPECT_DOUBLE_EQ(roofline(0, 40e9, 1, Arithmetic::kInt8, kMachine).percent, 10);
  EXPECT_EQ(compute_limit(kMachine, Arithmetic::kBF16), 0);
}

TEST(Roofline, WithoutWorkTimeOrLimitThereIsNoPercent) {
  EXPECT_EQ(roofline(0, 0, 1, Arithmetic::kF32, kMachine).percent, 0);
  EXPECT_EQ(roofline(1, 1, 0, Arithmetic::kF32, kMachine).bound, Bound::kNone);
  EXPECT_EQ(roofline(0, 1e9, 1, Arithmetic::kBF16, kMachine).percent, 0);  // no such instruction
  EXPECT_EQ(roofline(1e9, 1e9, 1, Arithmetic::kBF16, kMachine).bound, Bound::kMemory);
  EXPECT_EQ(percent_of(5, 0), 0);
  EXPECT_EQ(percent_of(5, 20), 25);
}

TEST(Roofline, RowsNameKernelsAndLeaveOutThoseThatNeverRan) {
  Program program;
  program.steps.push_back({.name = "mlp", .op = "linear", .arithmetic = Arithmetic::kInt8});
  program.steps.push_back({.name = "never", .op = "add"});
  Profile profile;
  for (const Program::Step& step : program.steps) profile.add_row(step.name, std::string(step.op));
  profile.record(0, 0, 500'000'000);
  profile.add_cost(0, 1e9, 100e9);
  const auto rows = profile_rows("decode", profile, program, kMachine);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].phase, "decode");
  EXPECT_EQ(rows[0].name, "mlp");
  EXPECT_EQ(rows[0].op, "linear");
  EXPECT_DOUBLE_EQ(rows[0].seconds, 0.5);
  EXPECT_DOUBLE_EQ(rows[0].roofline.percent, 50);  // 100 G operations of 200 that half a second allows
  EXPECT_EQ(rows[0].roofline.bound, Bound::kCompute);
}

}  // namespace
}  // namespace swiftlet
