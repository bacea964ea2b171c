#include "swiftlet/ops/disentangled.h"

#include "swiftlet/graph/test_ops.h"
#include "swiftlet/graph/verify.h"
#include "tests/support/run_graph.h"

namespace swiftlet::ops {
namespace {

using test::error_of;

// As transformers gives them for 8 buckets and 64 positions: 4 steps of their own, then wider ones.
TEST(DebertaBuckets, FarDistancesShareARow) {
  const auto rows = deberta_buckets(64, 8, 64, 8);
  const auto row = [&](std::int64_t distance) { return rows[static_cast<std::size_t>(distance + 63)] - 8; };
  EXPECT_EQ(row(0), 0);
  EXPECT_EQ(row(4), 4);
  EXPECT_EQ(row(-4), -4);
  EXPECT_EQ(row(5), 5);
  EXPECT_EQ(row(10), 5);
  EXPECT_EQ(row(11), 6);
  EXPECT_EQ(row(63), 7);
  EXPECT_EQ(row(-63), -7);
  EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end()));
}

TEST(DebertaBuckets, WithoutStepsADistanceIsItsOwnUpToTheSpan) {
  EXPECT_EQ(deberta_buckets(4, -1, 2, 2), (std::vector<std::int64_t>{0, 0, 1, 2, 3, 3, 3}));
}

struct DisentangledTest : testing::Test {
  Graph graph;
  const Dim tokens = Dim::symbol("tokens");
  Value q = graph.add_input("q", {DType::kF32, {tokens, 12}});
  Value k = graph.add_input("k", {DType::kF32, {tokens, 12}});
  Value v = graph.add_input("v", {DType::kF32, {tokens, 12}});
  Value table = graph.add_weight("table", {DType::kF32, {6, 12}});
  DisentangledSpec spec{.heads = 3, .scale = 0.5, .buckets = deberta_buckets(8, -1, 3, 3)};
};

// The arithmetic is tested with the kernel.
TEST_F(DisentangledTest, RunsOverATableOfTheModel) {
  const Value y = disentangled_attention(q, k, v, table, {}, spec);
  EXPECT_EQ(y.type().to_string(), "f32[tokens, 12]");
  graph.add_output(y);
  verify(graph);
  const auto weights = test::random_weights(graph);
  test::GraphRunner one(graph, test::as_built(), weights), three(graph, test::as_built(), weights, 3);
  const test::StepTables step = test::ragged({5, 1, 7});
  EXPECT_TRUE(test::close(three.run(step), one.run(step), 0));
  EXPECT_GT(test::cost_of(y, 5).flops, 4 * 5 * 5 * 12);
}

TEST_F(DisentangledTest, RejectsWhatDoesNotFit) {
  spec.heads = 5;
  EXPECT_EQ(
      error_of([&] { disentangled_attention(q, k, v, table, table, spec); }),
      "[disentangled_attention.0 (disentangled_attention)] f32[tokens, 12] does not divide into 5 heads");
  spec.heads = 3;
  spec.buckets = deberta_buckets(8, -1, 4, 4);
  EXPECT_EQ(error_of([&] { disentangled_attention(q, k, v, table, table, spec); }),
            "[disentangled_attention.0 (disentangled_attention)] a distance has row 6 of 6 position keys");
  spec.buckets = {1, 0, 2};
  EXPECT_EQ(
      error_of([&] { disentangled_attention(q, k, v, table, table, spec); }),
      "[disentangled_attention.0 (disentangled_attention)] needs an odd number of rows for distances that "
      "do not decrease");
}

}  // namespace
}  // namespace swiftlet::ops
