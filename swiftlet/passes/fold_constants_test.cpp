#include "swiftlet/passes/fold_constants.h"

#include "swiftlet/graph/print.h"
#include "swiftlet/graph/verify.h"
#include "swiftlet/ops/reshape.h"
#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace swiftlet {
namespace {

struct FoldTest : testing::Test {
  Graph graph;
  Value x = graph.add_input("x", {DType::kF32, {Dim::symbol("tokens"), 4}});
  Value constant(std::vector<float> values) {
    return graph.add_constant(Tensor::from(values, {static_cast<std::int64_t>(values.size())}));
  }
  // tolerance: folding computes with the scalar kernels.
  bool fold() {
    const Graph before = graph;
    const bool changed = FoldConstants().run(graph);
    verify(graph);
    EXPECT_TRUE(test::agree(before, graph, 1e-6));
    return changed;
  }
};

TEST_F(FoldTest, ComputesWhatDependsOnConstantsAlone) {
  const Value c = ops::mul(constant({1, 2, 3, 4}), ops::scale(constant({1, -1, 1, 0.5f}), 2));
  graph.add_output(ops::add(x, ops::softmax(c)));
  EXPECT_TRUE(fold());
  EXPECT_EQ(to_text(graph), fmt::format("%{} = add($x, constf32[4]) : f32[tokens, 4]  # add.3\nreturn %{}\n",
                                        graph.outputs()[0], graph.outputs()[0]));
  EXPECT_FALSE(fold());
}

TEST_F(FoldTest, TheValuesAreRight) {
  graph.add_output(ops::mul(constant({1, 2, 3}), constant({4, 5, -6})).named("product"));
  EXPECT_TRUE(fold());
  const ValueInfo& product = graph.value(graph.outputs()[0]);
  ASSERT_EQ(product.kind, ValueKind::kConstant);
  EXPECT_THAT(product.constant.span<float>(), testing::ElementsAre(4, 10, -18));
  EXPECT_EQ(product.name, "product");
}

TEST_F(FoldTest, EveryOutputOfAFusedNode) {
  const auto outputs =
      graph.add(ops::kAddRmsNorm, {constant({3, 0}), constant({0, 4}), constant({1, 1})}, {{"eps", 0.0}});
  for (Value output : outputs) graph.add_output(output);
  EXPECT_TRUE(fold());
  EXPECT_TRUE(graph.order().empty());
  EXPECT_THAT(graph.value(graph.outputs()[0]).constant.span<float>(), testing::ElementsAre(3, 4));
  EXPECT_NEAR(graph.value(graph.outputs()[1]).constant.span<float>()[0], 3 / std::sqrt(12.5), 1e-6);
}

TEST_F(FoldTest, KnownShapesBecomeConstants) {
  const Value y = graph.add_input("y", {DType::kF32, {2, 6}});
  const Value z = graph.add_input("z", {DType::kF32, {3, 4}});
  graph.add_output(ops::reshape(z, ops::shape_of(y)));
  EXPECT_TRUE(fold());
  EXPECT_EQ(test::count_nodes(graph, "shape_of"), 0);
  EXPECT_EQ(test::count_nodes(graph, "reshape"), 1);
}

TEST_F(FoldTest, SymbolicShapesStay) {
  const Value y = graph.add_input("y", {DType::kF32, {Dim::symbol("tokens"), 2, 2}});
  graph.add_output(ops::reshape(x, ops::shape_of(y)));
  EXPECT_FALSE(fold());
  EXPECT_EQ(test::count_nodes(graph, "shape_of"), 1);
}

TEST_F(FoldTest, WeightsAndInputsAreNotConstants) {
  const Value w = graph.add_weight("w", {DType::kF32, {4}});
  graph.add_output(ops::add(x, ops::scale(w, 2)));
  EXPECT_FALSE(fold());
}

TEST_F(FoldTest, WhatNeedsABatchOrASlotStays) {
  const Value rows = graph.add_constant(Tensor::zeros(DType::kF32, {4, 32}));
  graph.add_output(ops::attention(rows, graph.add_constant(Tensor::zeros(DType::kF32, {4, 16})),
                                  graph.add_constant(Tensor::zeros(DType::kF32, {4, 16})),
                                  test::SmallModel{}.attention(false)));
  graph.add_output(ops::linear(rows, graph.add_constant(Tensor::zeros(DType::kF32, {8, 32}))));
  EXPECT_FALSE(FoldConstants().run(graph));
}

}  // namespace
}  // namespace swiftlet
