#include "swiftlet/passes/fuse_gated_linears.h"

#include "swiftlet/graph/print.h"
#include "swiftlet/graph/verify.h"
#include "swiftlet/ops/gate.h"
#include "swiftlet/passes/fuse_gated_activation.h"
#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace swiftlet {
namespace {

using test::count_nodes;

struct GatedLinearsTest : testing::Test {
  Graph graph;
  Value x = graph.add_input("x", {DType::kF32, {Dim::symbol("tokens"), 24}});
  Value wg = graph.add_weight("g", {DType::kF32, {40, 24}}),
        wu = graph.add_weight("u", {DType::kF32, {40, 24}});
  Value bias = graph.add_weight("b", {DType::kF32, {40}});

  Value gate(Value g, Value u) { return graph.add(ops::kGate, {g, u}, {{"activation", "silu"}})[0]; }
  // Merges first, as the compiler does. Every bit stays.
  bool fuse(MergeLinears::Kind kind = {}) {
    MergeLinears().run(graph);
    const Graph before = graph;
    const bool changed = FuseGatedLinears(std::move(kind)).run(graph);
    verify(graph);
    EXPECT_TRUE(test::agree(before, graph, 0));
    EXPECT_TRUE(test::agree(graph, test::decomposed(graph), 0));
    return changed;
  }
};

TEST_F(GatedLinearsTest, TwoLinearsAndTheirGateBecomeOne) {
  graph.add_output(gate(ops::linear(x, wg, bias), ops::linear(x, wu)).named("y"));
  EXPECT_TRUE(fuse());
  EXPECT_EQ(count_nodes(graph, "gated_linear"), 1);
  EXPECT_EQ(graph.order().size(), 1u);
  EXPECT_EQ(graph.value(graph.outputs()[0]).name, "y");
  EXPECT_FALSE(FuseGatedLinears().run(graph));
}

TEST_F(GatedLinearsTest, TheGateMayBeTheSecond) {
  const Value u = ops::linear(x, wu);
  graph.add_output(gate(ops::linear(x, wg), u));
  EXPECT_TRUE(fuse());
  EXPECT_EQ(graph.value(graph.node(graph.order()[0]).inputs[1]).name, "g");
}

TEST_F(GatedLinearsTest, WhatOthersReadStays) {
  const Value g = ops::linear(x, wg).named("tap"), u = ops::linear(x, wu);
  graph.add_output(gate(g, u));
  graph.add_output(g);
  EXPECT_FALSE(fuse());
}

TEST_F(GatedLinearsTest, AThirdLinearOfTheInputStays) {
  graph.add_output(gate(ops::linear(x, wg), ops::linear(x, wu)));
  graph.add_output(ops::linear(x, graph.add_weight("v", {DType::kF32, {40, 24}})));
  EXPECT_FALSE(fuse());
}

TEST_F(GatedLinearsTest, WeightsOfTwoKindsStay) {
  graph.add_output(gate(ops::linear(x, wg), ops::linear(x, wu)));
  EXPECT_FALSE(fuse([](const std::string& name) { return name; }));
}

TEST(FuseGatedLinears, OfADecoder) {
  Graph graph = test::small_decoder();
  FuseGatedActivation().run(graph);
  MergeLinears().run(graph);
  const Graph before = graph;
  EXPECT_TRUE(FuseGatedLinears().run(graph));
  verify(graph);
  EXPECT_EQ(count_nodes(graph, "gated_linear"), 2);
  EXPECT_EQ(count_nodes(graph, "gate"), 0);
  EXPECT_TRUE(test::agree(before, graph, 0));
}

}  // namespace
}  // namespace swiftlet
