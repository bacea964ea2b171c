#include "swiftlet/compress/compress_weight.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "swiftlet/compress/prune/magnitude.h"
#include "swiftlet/compress/prune/wanda.h"
#include "swiftlet/compress/test_problem.h"

namespace swiftlet {
namespace {

using test::Problem;

const PruneMethod kMethods[] = {PruneMethod::kMagnitude, PruneMethod::kWanda, PruneMethod::kSparseGpt};

QuantizedWeight prune(Problem& p, const Plan& plan) {
  const Gptq solver(p.dense, p.moments, solver_options(plan), "w");
  const PlannedWeight planned{
      .name = "w", .change = true, .prune = true, .encoding = plan.weights, .arithmetic = plan.arithmetic};
  return compress_weight(p.dense, plan, planned, p.weight, {.moments = &p.moments, .solver = &solver});
}

// Where zero lies at the end of the codes too: all values of a group of one sign.
TEST(CompressWeight, AZeroIsOneInEveryEncoding) {
  struct Case {
    Method method;
    Encoding encoding;
  };
  const Case cases[] = {{Method{}, {Format::kF32}},
                        {Method{}, {Format::kF16}},
                        {Method{}, {Format::kBF16}},
                        {Method{}, {Format::kInt8, 0, false}},
                        {Method{}, {Format::kInt8, 32, true}},
                        {Method{}, {Format::kInt4, 32, false}},
                        {Method{}, {Format::kInt4, 0, true}},
                        {Method{}, {Format::kQ50}},
                        {Method{}, {Format::kQ4R}},
                        {parse_method("gptq"), {Format::kInt8, 0, true}},
                        {parse_method("gptq"), {Format::kInt4, 32, false}},
                        {parse_method("gptq"), {Format::kInt4, 32, true}}};
  for (const float shift : {0.0f, 3.0f, -3.0f}) {
    Problem p(20, 160, 300);
    for (float& value : p.values) value += shift;
    p.weight = weight_from_tensor("w", Tensor::from(p.values, {p.n, p.k}));
    for (const PruneMethod method : kMethods)
      for (const Case& c : cases) {
        const Pruning pruning{parse_prune_pattern("1:4"), method};
        const QuantizedWeight result =
            prune(p, {.method = c.method, .weights = c.encoding, .prune = pruning});
        EXPECT_EQ(result.weight.encoding, c.encoding);
        EXPECT_GT(result.relative_error, 0.05) << "against the whole matrix";
        const std::vector<float> values = decode(result.weight);
        std::int64_t kept = 0;
        for (auto group = values.begin(); group != values.end(); group += 4) {
          ASSERT_GE(std::count(group, group + 4, 0.0f), 3)
              << to_string(method) << " " << to_string(c.encoding);
          kept += std::count(group, group + 4, 0.0f) == 3;
        }
        EXPECT_GT(kept, p.n * p.k / 4 / 2) << to_string(method) << " " << to_string(c.encoding);
      }
  }
}

TEST(CompressWeight, MagnitudeAndWandaLeaveTheOthersAlone) {
  Problem p(20, 160, 300);
  for (const PruneMethod method : {PruneMethod::kMagnitude, PruneMethod::kWanda}) {
    const PrunePattern pattern = parse_prune_pattern("50%");
    const Plan plan{.weights = {Format::kF32}, .prune = Pruning{pattern, method}};
    const Mask mask = method == PruneMethod::kWanda ? wanda_mask(pattern, p.weight, p.moments, p.pool)
                                                    : magnitude_mask(pattern, p.weight, p.pool);
    EXPECT_EQ(decode(prune(p, plan).weight), decode(with_zeros(p.weight, mask, p.pool)));
  }
}

TEST(CompressWeight, GptqLosesLessThanNearestAndSparseGptThanWanda) {
  Problem p(20, 160, 600);
  const auto error_of = [&](Method method, PruneMethod by) {
    const Pruning pruning{parse_prune_pattern("2:4"), by};
    return p.output_error(
        prune(p, {.method = method, .weights = {Format::kInt4, 32, false}, .prune = pruning}).weight);
  };
  const double together = error_of(parse_method("gptq"), PruneMethod::kSparseGpt);
  EXPECT_LT(together, error_of(Method{}, PruneMethod::kSparseGpt));
  EXPECT_LT(together, 0.5 * error_of(parse_method("gptq"), PruneMethod::kWanda));
}

// Clipping looks at what pruning leaves.
TEST(CompressWeight, SearchedScalesKeepTheZerosAndLoseLess) {
  Problem p(20, 160, 600);
  const auto result = [&](const char* method) {
    return prune(p, {.method = parse_method(method),
                     .weights = {Format::kInt4, 32, false},
                     .prune = Pruning{parse_prune_pattern("2:4"), PruneMethod::kWanda}})
        .weight;
  };
  EXPECT_LT(p.output_error(result("clip")), p.output_error(result("rtn")));
  const std::vector<float> values = decode(result("clip+gptq"));
  for (auto group = values.begin(); group != values.end(); group += 4)
    ASSERT_GE(std::count(group, group + 4, 0.0f), 2);
}

}  // namespace
}  // namespace swiftlet
