#include "swiftlet/passes/fuse_residual_norm.h"

#include "swiftlet/graph/print.h"
#include "swiftlet/graph/verify.h"
#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace swiftlet {
namespace {

using test::count_nodes;

struct ResidualTest : testing::Test {
  Graph graph;
  Value x = graph.add_input("x", {DType::kF32, {Dim::symbol("tokens"), 20}});
  Value y = graph.add_input("y", {DType::kF32, {Dim::symbol("tokens"), 20}});
  Value gain = graph.add_weight("gain", {DType::kF32, {20}});
  Value bias = graph.add_weight("bias", {DType::kF32, {20}});
  // The fused kernel rounds the sum as the addition does, so every bit stays.
  bool fuse() {
    const Graph before = graph;
    const bool changed = FuseResidualNorm().run(graph);
    verify(graph);
    EXPECT_TRUE(test::agree(before, graph, 0));
    return changed;
  }
};

TEST_F(ResidualTest, AdditionAndNormBecomeOne) {
  const Value sum = ops::add(x, y).named("sum");
  graph.add_output(ops::rms_norm(sum, gain, 1e-5, 1.0).named("normed"));
  graph.add_output(ops::scale(sum, 2));
  EXPECT_TRUE(fuse());
  EXPECT_EQ(to_text(graph),
            "%7, %8 = add_rms_norm($x, $y, @gain) {eps=1e-05, gain_offset=1}"
            " : f32[tokens, 20], f32[tokens, 20]  # normed\n"
            "%6 = scale(%7) {factor=2} : f32[tokens, 20]  # scale.2\n"
            "return %8, %6\n");
  EXPECT_EQ(graph.value(7).name, "sum");
  EXPECT_EQ(graph.value(8).name, "normed");
  EXPECT_FALSE(fuse());
}

TEST_F(ResidualTest, LayerNormWithAndWithoutBias) {
  graph.add_output(ops::layer_norm(ops::add(x, y), gain, bias, 1e-12));
  graph.add_output(ops::layer_norm(ops::add(y, x), gain, {}, 1e-5));
  EXPECT_TRUE(fuse());
  EXPECT_EQ(count_nodes(graph, "add_layer_norm"), 2);
  EXPECT_EQ(graph.order().size(), 2u);
}

TEST_F(ResidualTest, ATappedSumSurvives) {
  const Value sum = ops::add(x, y).named("sum");
  graph.add_output(sum);
  graph.add_output(ops::rms_norm(sum, gain, 1e-5));
  EXPECT_TRUE(fuse());
  EXPECT_EQ(graph.value(graph.outputs()[0]).name, "sum");
}

TEST_F(ResidualTest, AReaderBetweenTheTwoStaysBehindTheSum) {
  const Value sum = ops::add(x, y);
  const Value between = ops::scale(sum, 3);
  graph.add_output(ops::add(between, ops::rms_norm(sum, gain, 1e-5)));
  EXPECT_TRUE(fuse());
}

TEST_F(ResidualTest, TwoNormsOfOneSum) {
  const Value sum = ops::add(x, y);
  graph.add_output(ops::rms_norm(sum, gain, 1e-5));
  graph.add_output(ops::layer_norm(sum, gain, bias, 1e-5));
  EXPECT_TRUE(fuse());
  EXPECT_EQ(count_nodes(graph, "add_rms_norm"), 1);
  EXPECT_EQ(count_nodes(graph, "layer_norm"), 1);
}

TEST_F(ResidualTest, AVectorIsNoResidual) {
  graph.add_output(ops::rms_norm(ops::add(x, bias), gain, 1e-5));
  EXPECT_FALSE(fuse());
}

TEST_F(ResidualTest, AGainThatIsComputedStays) {
  const Value sum = ops::add(x, y);
  graph.add_output(ops::rms_norm(sum, ops::scale(gain, 2), 1e-5));
  EXPECT_FALSE(fuse());
}

TEST(FuseResidualNorm, OfModels) {
  Graph decoder = test::small_decoder(), encoder = test::small_encoder();
  const Graph decoder_before = decoder, encoder_before = encoder;
  EXPECT_TRUE(FuseResidualNorm().run(decoder));
  EXPECT_TRUE(FuseResidualNorm().run(encoder));
  verify(decoder);
  verify(encoder);
  EXPECT_EQ(count_nodes(decoder, "add_rms_norm"), 4);
  EXPECT_EQ(count_nodes(decoder, "rms_norm"), 1);  // that of the input
  EXPECT_EQ(count_nodes(encoder, "add_layer_norm"), 4);
  EXPECT_TRUE(test::agree(decoder_before, decoder, 0));
  EXPECT_TRUE(test::agree(encoder_before, encoder, 0));
}

}  // namespace
}  // namespace swiftlet
