#include "swiftlet/passes/fuse_gated_activation.h"

#include "swiftlet/graph/print.h"
#include "swiftlet/graph/verify.h"
#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace swiftlet {
namespace {

using test::count_nodes;

struct GateTest : testing::Test {
  Graph graph;
  Value g = graph.add_input("g", {DType::kF32, {Dim::symbol("tokens"), 20}});
  Value u = graph.add_input("u", {DType::kF32, {Dim::symbol("tokens"), 20}});
  // The fused kernel rounds the activation as it stands alone, so every bit stays.
  bool fuse() {
    const Graph before = graph;
    const bool changed = FuseGatedActivation().run(graph);
    verify(graph);
    EXPECT_TRUE(test::agree(before, graph, 0));
    EXPECT_TRUE(test::agree(graph, test::decomposed(graph), 0));
    return changed;
  }
};

TEST_F(GateTest, ActivationAndProductBecomeOne) {
  graph.add_output(ops::mul(ops::activation(g, "silu"), u).named("y"));
  EXPECT_TRUE(fuse());
  EXPECT_EQ(to_text(graph),
            "%4 = gate($g, $u) {activation=silu} : f32[tokens, 20]  # y\n"
            "return %4\n");
  EXPECT_FALSE(fuse());
}

TEST_F(GateTest, EveryActivationOnEitherSide) {
  for (const char* function : {"gelu", "gelu_tanh", "relu", "sigmoid", "tanh"}) {
    graph.add_output(ops::mul(ops::activation(g, function), u));
    graph.add_output(ops::mul(u, ops::activation(g, function)));
  }
  EXPECT_TRUE(fuse());
  EXPECT_EQ(count_nodes(graph, "gate"), 10);
  EXPECT_EQ(graph.order().size(), 10u);
}

TEST_F(GateTest, AnActivationThatOthersReadStays) {
  const Value active = ops::activation(g, "silu");
  graph.add_output(ops::mul(active, u));
  graph.add_output(ops::scale(active, 2));
  EXPECT_FALSE(fuse());
}

TEST_F(GateTest, ATappedActivationStays) {
  const Value active = ops::activation(g, "silu").named("tap");
  graph.add_output(active);
  graph.add_output(ops::mul(active, u));
  EXPECT_FALSE(fuse());
}

TEST_F(GateTest, AVectorAndASquareAreNoGates) {
  const Value active = ops::activation(g, "silu");
  graph.add_output(ops::mul(active, active));
  graph.add_output(ops::mul(ops::activation(u, "silu"), graph.add_weight("w", {DType::kF32, {20}})));
  EXPECT_FALSE(fuse());
}

TEST(FuseGatedActivation, OfADecoder) {
  Graph graph = test::small_decoder();
  const Graph before = graph;
  EXPECT_TRUE(FuseGatedActivation().run(graph));
  verify(graph);
  EXPECT_EQ(count_nodes(graph, "gate"), 2);
  EXPECT_EQ(count_nodes(graph, "activation") + count_nodes(graph, "mul"), 0);
  EXPECT_TRUE(test::agree(before, graph, 0));
}

}  // namespace
}  // namespace swiftlet
