#include "swiftlet/ops/relative_bias.h"

#include "swiftlet/graph/test_ops.h"
#include "tests/support/run_graph.h"

namespace swiftlet::ops {
namespace {

// Some values of transformers' relative_position_bucket, 32 buckets of both directions.
TEST(RelativeBias, BucketsAreThoseOfT5) {
  for (const auto& [distance, bucket] :
       std::map<int, int>{{0, 0},    {-1, 1},  {1, 17},   {-7, 7},    {7, 23},   {-8, 8},   {8, 24},
                          {-11, 8},  {-12, 9}, {-16, 10}, {-32, 12},  {-64, 14}, {64, 30},  {-90, 14},
                          {-91, 15}, {91, 31}, {127, 31}, {-127, 15}, {500, 31}, {-500, 15}})
    EXPECT_EQ(t5_bucket(distance), bucket) << distance;
}

TEST(RelativeBias, LooksUpTheBucketOfEveryDistance) {
  Graph graph;
  const Value table = graph.add_input("table", {DType::kF32, {32, 3}});
  graph.add_output(t5_relative_bias(table));
  const Tensor values = test::random_tensor({32, 3}, 1);
  const auto in = test::doubles(values);
  std::vector<double> out;
  for (std::size_t head = 0; head < 3; ++head)
    for (std::int64_t d = -127; d <= 127; ++d)
      out.push_back(in[static_cast<std::size_t>(t5_bucket(d)) * 3 + head]);
  test::expect_outputs(graph, test::ragged({1}), {{"table", values}}, {test::tensor_of({3, 255}, out)}, 0);
}

TEST(RelativeBias, RejectsAnotherNumberOfBuckets) {
  Graph graph;
  const Value table = graph.add_input("table", {DType::kF32, {16, 3}});
  EXPECT_EQ(test::error_of([&] { t5_relative_bias(table); }),
            "[t5_relative_bias.0 (t5_relative_bias)] the table must be f32[32, heads], is f32[16, 3]");
}

}  // namespace
}  // namespace swiftlet::ops
