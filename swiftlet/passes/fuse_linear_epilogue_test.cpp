#include "swiftlet/passes/fuse_linear_epilogue.h"

#include "swiftlet/graph/print.h"
#include "swiftlet/graph/verify.h"
#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace swiftlet {
namespace {

using test::count_nodes;

struct EpilogueTest : testing::Test {
  Graph graph;
  Value x = graph.add_input("x", {DType::kF32, {Dim::symbol("tokens"), 12}});
  Value w = graph.add_weight("w", {DType::kF32, {7, 12}});
  Value b = graph.add_weight("b", {DType::kF32, {7}});
  bool fuse() {
    const Graph before = graph;
    const bool changed = FuseLinearEpilogue().run(graph);
    verify(graph);
    EXPECT_TRUE(test::agree(before, graph, 1e-6));
    return changed;
  }
};

TEST_F(EpilogueTest, BiasAndActivationMoveIntoTheLinear) {
  graph.add_output(ops::activation(ops::add(ops::linear(x, w).named("proj"), b), "gelu").named("y"));
  EXPECT_TRUE(fuse());
  EXPECT_EQ(to_text(graph),
            fmt::format("%{0} = linear($x, @w, @b) {{activation=gelu}} : f32[tokens, 7]  # proj\n"
                        "return %{0}\n",
                        graph.outputs()[0]));
  EXPECT_EQ(graph.value(graph.outputs()[0]).name, "y");
  EXPECT_FALSE(fuse());
}

TEST_F(EpilogueTest, EveryActivation) {
  for (const char* name : {"relu", "gelu", "gelu_new", "silu", "tanh", "sigmoid"})
    graph.add_output(ops::activation(ops::linear(x, w, b), name));
  EXPECT_TRUE(fuse());
  EXPECT_EQ(count_nodes(graph, "activation"), 0);
  EXPECT_EQ(count_nodes(graph, "linear"), 6);
}

TEST_F(EpilogueTest, AConstantOrAnInputMayBeTheBias) {
  const Value c = graph.add_constant(test::random_tensor({7}, 5));
  const Value i = graph.add_input("bias", {DType::kF32, {7}});
  graph.add_output(ops::add(ops::linear(x, w), c));
  graph.add_output(ops::add(ops::linear(x, w), i));
  EXPECT_TRUE(fuse());
  EXPECT_EQ(count_nodes(graph, "add"), 0);
}

TEST_F(EpilogueTest, AResultThatOthersSeeStays) {
  const Value y = ops::linear(x, w);
  graph.add_output(ops::add(y, b));
  graph.add_output(ops::softmax(y));
  EXPECT_FALSE(fuse());
}

TEST_F(EpilogueTest, ATapStays) {
  const Value y = ops::linear(x, w).named("tap");
  graph.add_output(y);
  graph.add_output(ops::activation(y, "relu"));
  EXPECT_FALSE(fuse());
  EXPECT_EQ(graph.find("tap"), y.id);
}

TEST_F(EpilogueTest, NothingComesBehindAnActivation) {
  graph.add_output(ops::add(ops::activation(ops::linear(x, w), "relu"), b));
  EXPECT_TRUE(fuse());
  EXPECT_EQ(count_nodes(graph, "add"), 1);
  EXPECT_EQ(count_nodes(graph, "activation"), 0);
  Graph twice;
  const Value input = twice.add_input("x", {DType::kF32, {Dim::symbol("tokens"), 12}});
  const Value weight = twice.add_weight("w", {DType::kF32, {7, 12}});
  twice.add_output(ops::activation(ops::activation(ops::linear(input, weight), "tanh"), "relu"));
  EXPECT_TRUE(FuseLinearEpilogue().run(twice));
  EXPECT_EQ(count_nodes(twice, "activation"), 1);
}

TEST_F(EpilogueTest, OneBiasOnly) {
  graph.add_output(ops::add(ops::add(ops::linear(x, w), b), b));
  EXPECT_TRUE(fuse());
  EXPECT_EQ(count_nodes(graph, "add"), 1);
}

TEST_F(EpilogueTest, AnAdditionOfRowsIsNoBias) {
  const Value y = graph.add_input("y", {DType::kF32, {Dim::symbol("tokens"), 7}});
  graph.add_output(ops::add(ops::linear(x, w), y));
  EXPECT_FALSE(fuse());
}

TEST_F(EpilogueTest, ABiasThatIsComputedStays) {
  graph.add_output(ops::add(ops::linear(x, w), ops::scale(b, 2)));
  EXPECT_FALSE(fuse());
}

TEST(FuseLinearEpilogue, OfModels) {
  Graph encoder = test::small_encoder();
  const Graph before = encoder;
  EXPECT_TRUE(FuseLinearEpilogue().run(encoder));
  verify(encoder);
  EXPECT_EQ(count_nodes(encoder, "activation"), 0);
  EXPECT_EQ(count_nodes(encoder, "add"), 4);  // the residuals
  EXPECT_TRUE(test::agree(before, encoder, 1e-5));
}

}  // namespace
}  // namespace swiftlet
