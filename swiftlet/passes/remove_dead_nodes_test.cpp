#include "swiftlet/passes/remove_dead_nodes.h"

#include "swiftlet/graph/print.h"
#include "swiftlet/graph/verify.h"
#include "swiftlet/passes/lower_to_paged_cache.h"
#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace swiftlet {
namespace {

using test::count_nodes;

TEST(RemoveDeadNodes, RemovesWholeChainsThatNobodyReads) {
  Graph graph;
  const Value x = graph.add_input("x", {DType::kF32, {Dim::symbol("tokens"), 4}});
  const Value a = ops::scale(x, 2);
  ops::scale(ops::scale(a, 3), 4);
  graph.add_output(ops::add(a, x));
  const Graph before = graph;
  EXPECT_TRUE(RemoveDeadNodes().run(graph));
  verify(graph);
  EXPECT_EQ(to_text(graph),
            "%1 = scale($x) {factor=2} : f32[tokens, 4]  # scale.0\n"
            "%4 = add(%1, $x) : f32[tokens, 4]  # add.3\n"
            "return %4\n");
  EXPECT_TRUE(test::agree(before, graph));
  EXPECT_FALSE(RemoveDeadNodes().run(graph));
}

TEST(RemoveDeadNodes, KeepsANodeOfWhichOneOutputIsRead) {
  Graph graph = test::small_decoder({.layers = 1});
  test::SmallModel model;
  auto spec = model.attention(true);
  spec.log_sum_exp = true;
  for (NodeId id : graph.order())
    if (graph.node(id).op == &ops::kAttention) {
      Node& node = graph.node(id);
      const ValueId old = node.outputs[0];
      graph.replace(old, graph.insert(id, ops::kAttention, node.inputs, ops::to_attributes(spec))[0].id);
      break;
    }
  EXPECT_EQ(count_nodes(graph, "attention"), 2);
  EXPECT_TRUE(RemoveDeadNodes().run(graph));
  EXPECT_EQ(count_nodes(graph, "attention"), 1);
  verify(graph);
}

TEST(RemoveDeadNodes, KeepsWhatWritesState) {
  Graph graph = test::small_decoder({.layers = 1});
  LowerToPagedCache().run(graph);
  EXPECT_FALSE(RemoveDeadNodes().run(graph));
  // Without a reader of the attention the append must stay: the next step reads the cache.
  Graph prefix;
  const Value k = prefix.add_input("k", {DType::kF32, {Dim::symbol("tokens"), 16}});
  prefix.add(ops::kCacheAppend, {k, k, prefix.add_state("cache.0")},
             ops::to_attributes(test::SmallModel{}.attention(true)));
  EXPECT_FALSE(RemoveDeadNodes().run(prefix));
  EXPECT_EQ(count_nodes(prefix, "cache_append"), 1);
}

}  // namespace
}  // namespace swiftlet
