#include "swiftlet/passes/fuse_rope_append.h"

#include "swiftlet/graph/print.h"
#include "swiftlet/graph/verify.h"
#include "swiftlet/passes/lower_to_paged_cache.h"
#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace swiftlet {
namespace {

using test::count_nodes;
using test::GraphRunner;

Graph paged_decoder() {
  Graph graph = test::small_decoder();
  LowerToPagedCache().run(graph);
  return graph;
}

TEST(FuseRopeAppend, KeysAreTurnedOnTheirWayIntoTheCache) {
  Graph graph = paged_decoder();
  EXPECT_TRUE(FuseRopeAppend().run(graph));
  verify(graph);
  EXPECT_EQ(count_nodes(graph, "rope_append"), 2);
  EXPECT_EQ(count_nodes(graph, "cache_append"), 0);
  EXPECT_EQ(count_nodes(graph, "rope"), 2);  // the queries'
  EXPECT_THAT(to_text(graph), testing::HasSubstr("$positions, $cache.0) {"));
  EXPECT_FALSE(FuseRopeAppend().run(graph));
  const Graph back = test::decomposed(graph);
  EXPECT_EQ(count_nodes(back, "rope"), 4);
  EXPECT_EQ(count_nodes(back, "cache_append"), 2);
}

// Three graphs through the same prefill, chunks and decode steps, in every cache type, on several threads.
TEST(FuseRopeAppend, EveryStepGivesTheSameBits) {
  const Graph before = paged_decoder();
  Graph after = before;
  ASSERT_TRUE(FuseRopeAppend().run(after));
  const Graph back = test::decomposed(after);
  const auto weights = test::random_weights(before);
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kI8}) {
    GraphRunner plain(before, test::as_built(), weights), fused(after, test::as_built(), weights, 3),
        decomposed(back, test::as_built(), weights);
    test::TestCache first(plain.program(), 2, 128, dtype), second(fused.program(), 2, 128, dtype),
        third(decomposed.program(), 2, 128, dtype);
    for (const std::vector<int>& lengths :
         std::vector<std::vector<int>>{{40, 9}, {1, 1}, {1, 30}, {0, 1}, {33, 0}, {1, 1}}) {
      const Tensor expected = plain.run(first.step(lengths))[0];
      ASSERT_TRUE(test::same_bits(fused.run(second.step(lengths))[0], expected))
          << dtype_name(dtype) << " " << testing::PrintToString(lengths);
      ASSERT_TRUE(test::same_bits(decomposed.run(third.step(lengths))[0], expected));
    }
  }
}

TEST(FuseRopeAppend, PartialAndInterleavedRotation) {
  Graph graph;
  const Dim tokens = Dim::symbol("tokens");
  const Value x = graph.add_input("x", {DType::kF32, {tokens, 24}});
  const Value positions = graph.add_input("positions", {DType::kI32, {tokens}});
  ops::AttentionSpec spec{
      .heads = 2, .kv_heads = 2, .head_dim = 12, .value_dim = 12, .scale = 0.3f, .causal = true};
  ops::RopeSpec rope{.head_dim = 12, .rotary_dim = 8};
  rope.interleaved = true;
  rope.attention_factor = 1.25;
  rope.inverse_frequencies = ops::default_inverse_frequencies(500, 8);
  graph.add_output(ops::attention(x, ops::rope(x, positions, rope), x, spec));
  LowerToPagedCache().run(graph);
  Graph fused = graph;
  ASSERT_TRUE(FuseRopeAppend().run(fused));
  GraphRunner a(graph), b(fused);
  test::TestCache first(a.program(), 1, 64), second(b.program(), 1, 64);
  for (int length : {20, 1, 13})
    ASSERT_TRUE(test::same_bits(b.run(second.step({length}))[0], a.run(first.step({length}))[0]));
}

TEST(FuseRopeAppend, KeysThatOthersReadStay) {
  Graph graph;
  const Dim tokens = Dim::symbol("tokens");
  const Value x = graph.add_input("x", {DType::kF32, {tokens, 16}});
  const Value positions = graph.add_input("positions", {DType::kI32, {tokens}});
  ops::RopeSpec rope{.head_dim = 16, .rotary_dim = 16};
  rope.inverse_frequencies = ops::default_inverse_frequencies(10000, 16);
  const Value turned = ops::rope(x, positions, rope);
  const ops::AttentionSpec spec{
      .heads = 1, .kv_heads = 1, .head_dim = 16, .value_dim = 16, .scale = 1, .causal = true};
  graph.add_output(ops::attention(turned, turned, x, spec));
  LowerToPagedCache().run(graph);
  EXPECT_FALSE(FuseRopeAppend().run(graph));
}

}  // namespace
}  // namespace swiftlet
