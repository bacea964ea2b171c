#include "swiftlet/passes/share_common_subexpressions.h"

#include "swiftlet/graph/print.h"
#include "swiftlet/graph/verify.h"
#include "swiftlet/passes/lower_to_paged_cache.h"
#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace swiftlet {
namespace {

struct ShareTest : testing::Test {
  Graph graph;
  Value x = graph.add_input("x", {DType::kF32, {Dim::symbol("tokens"), 4}});
  bool share() {
    const Graph before = graph;
    const bool changed = ShareCommonSubexpressions().run(graph);
    verify(graph);
    EXPECT_TRUE(test::agree(before, graph));
    return changed;
  }
};

TEST_F(ShareTest, EqualChainsBecomeOne) {
  const Value a = ops::softmax(ops::scale(x, 2)), b = ops::softmax(ops::scale(x, 2));
  graph.add_output(ops::add(a, b));
  EXPECT_TRUE(share());
  EXPECT_EQ(to_text(graph),
            "%1 = scale($x) {factor=2} : f32[tokens, 4]  # scale.0\n"
            "%2 = softmax(%1) : f32[tokens, 4]  # softmax.1\n"
            "%5 = add(%2, %2) : f32[tokens, 4]  # add.4\n"
            "return %5\n");
  EXPECT_FALSE(share());
}

TEST_F(ShareTest, OtherAttributesInputsOrOpsStay) {
  const Value a = ops::scale(x, 2), b = ops::scale(x, 2.0000000001), c = ops::scale(a, 2);
  const Value d = ops::add(x, a), e = ops::mul(x, a), f = ops::add(a, x);
  for (Value value : {b, c, d, e, f}) graph.add_output(value);
  EXPECT_FALSE(share());
}

TEST_F(ShareTest, TwoOutputsKeepTheirNames) {
  graph.add_output(ops::scale(x, 2).named("a"));
  graph.add_output(ops::scale(x, 2).named("b"));
  share();
  EXPECT_EQ(graph.outputs().size(), 2u);
  EXPECT_EQ(graph.value(graph.outputs()[0]).name, "a");
  EXPECT_EQ(graph.value(graph.outputs()[1]).name, "b");
}

TEST_F(ShareTest, AnOutputServesOthersThatAreNone) {
  graph.add_output(ops::scale(x, 2).named("a"));
  graph.add_output(ops::softmax(ops::scale(x, 2)));
  EXPECT_TRUE(share());
  EXPECT_EQ(test::count_nodes(graph, "scale"), 1);
}

TEST_F(ShareTest, ALaterOutputServesOthersThatAreNone) {
  const Value first = ops::scale(x, 2);
  graph.add_output(ops::softmax(first));
  graph.add_output(ops::scale(x, 2).named("tap"));
  EXPECT_TRUE(share());
  EXPECT_EQ(test::count_nodes(graph, "scale"), 1);
  EXPECT_EQ(graph.value(graph.outputs()[1]).name, "tap");
}

TEST(ShareCommonSubexpressions, NeverSharesWhatWritesState) {
  Graph graph;
  const Value k = graph.add_input("k", {DType::kF32, {Dim::symbol("tokens"), 16}});
  const Value state = graph.add_state("cache.0");
  const Attributes attributes = ops::to_attributes(test::SmallModel{}.attention(true));
  graph.add(ops::kCacheAppend, {k, k, state}, attributes);
  graph.add(ops::kCacheAppend, {k, k, state}, attributes);
  EXPECT_FALSE(ShareCommonSubexpressions().run(graph));
}

}  // namespace
}  // namespace swiftlet
