#include "swiftlet/ops/norm.h"

#include "swiftlet/graph/test_ops.h"
#include "swiftlet/graph/verify.h"
#include "swiftlet/ops/elementwise.h"
#include "tests/support/run_graph.h"

namespace swiftlet::ops {
namespace {

using test::doubles;
using test::error_of;
using test::random_tensor;
using test::tensor_of;

const Dim kTokens = Dim::symbol("tokens");
constexpr std::size_t kWidth = 23;
const Shape kShape{6, kWidth};

struct NormTest : testing::Test {
  Graph graph;
  Value x = graph.add_input("x", {DType::kF32, {kTokens, kWidth}});
  Value residual = graph.add_input("residual", {DType::kF32, {kTokens, kWidth}});
  Value gain = graph.add_weight("gain", {DType::kF32, {kWidth}});
  Value bias = graph.add_weight("bias", {DType::kF32, {kWidth}});
  Tensor x_values = random_tensor(kShape, 1, 2), residual_values = random_tensor(kShape, 2, 2);
  std::shared_ptr<WeightStore> weights = test::random_weights(graph);

  std::vector<double> summed() const {
    auto sum = doubles(x_values);
    const auto other = doubles(residual_values);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += other[i];
    return sum;
  }
  std::vector<double> layer_norm_of(std::vector<double> rows, double eps, bool with_bias) const {
    const auto g = doubles(*weights, "gain"), b = doubles(*weights, "bias");
    for (std::size_t at = 0; at < rows.size(); at += kWidth) {
      double mean = 0, variance = 0;
      for (std::size_t i = 0; i < kWidth; ++i) mean += rows[at + i] / kWidth;
      for (std::size_t i = 0; i < kWidth; ++i) variance += std::pow(rows[at + i] - mean, 2) / kWidth;
      for (std::size_t i = 0; i < kWidth; ++i)
        rows[at + i] = (rows[at + i] - mean) / std::sqrt(variance + eps) * g[i] + (with_bias ? b[i] : 0);
    }
    return rows;
  }
  std::vector<double> rms_norm_of(std::vector<double> rows, double eps, double offset) const {
    const auto g = doubles(*weights, "gain");
    for (std::size_t at = 0; at < rows.size(); at += kWidth) {
      double squares = 0;
      for (std::size_t i = 0; i < kWidth; ++i) squares += rows[at + i] * rows[at + i] / kWidth;
      for (std::size_t i = 0; i < kWidth; ++i) rows[at + i] *= (g[i] + offset) / std::sqrt(squares + eps);
    }
    return rows;
  }
  void expect(const std::vector<Value>& outputs, const std::vector<std::vector<double>>& expected) {
    std::vector<Tensor> tensors;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      graph.add_output(outputs[i]);
      tensors.push_back(tensor_of(kShape, expected[i]));
    }
    test::expect_outputs(graph, test::ragged({2, 1, 3}), {{"x", x_values}, {"residual", residual_values}},
                         tensors, 2e-6, weights);
  }
};

TEST_F(NormTest, LayerNorm) {
  expect({layer_norm(x, gain, bias, 0.01), layer_norm(x, gain, {}, 1e-12)},
         {layer_norm_of(doubles(x_values), 0.01, true), layer_norm_of(doubles(x_values), 1e-12, false)});
}

TEST_F(NormTest, RmsNorm) {
  expect({rms_norm(x, gain, 0.01), rms_norm(x, gain, 1e-6, 1.0)},
         {rms_norm_of(doubles(x_values), 0.01, 0), rms_norm_of(doubles(x_values), 1e-6, 1)});
}

// Each head is a row of its own.
TEST_F(NormTest, Heads) {
  const Value wide = graph.add_input("wide", {DType::kF32, {Dim::symbol("tokens"), 2 * kWidth}});
  graph.add_output(normalize_heads(wide, kRmsNorm, gain, 2, 0.01, 1));
  test::expect_outputs(graph, test::ragged({1, 2}),
                       {{"wide", Tensor(DType::kF32, {3, 2 * kWidth}, x_values.buffer())}},
                       {tensor_of({3, 2 * kWidth}, rms_norm_of(doubles(x_values), 0.01, 1))}, 2e-6, weights);
  EXPECT_EQ(error_of([&] { normalize_heads(wide, kRmsNorm, gain, 3, 0.01); }),
            "[rms_norm.1 (rms_norm)] f32[tokens, 46] does not divide into 3 heads");
  EXPECT_EQ(error_of([&] { normalize_heads(wide, kRmsNorm, gain, 1, 0.01); }),
            "[rms_norm.1 (rms_norm)] gain must be f32[46], is f32[23]");
}

TEST_F(NormTest, FusedForms) {
  const auto layer = graph.add(kAddLayerNorm, {x, residual, gain, bias}, {{"eps", 1e-5}});
  const auto rms = graph.add(kAddRmsNorm, {x, residual, gain}, {{"eps", 1e-5}, {"gain_offset", 1.0}});
  expect({layer[0], layer[1], rms[0], rms[1]},
         {summed(), layer_norm_of(summed(), 1e-5, true), summed(), rms_norm_of(summed(), 1e-5, 1)});
}

TEST_F(NormTest, DecomposingChangesNoBit) {
  for (Value output : graph.add(kAddLayerNorm, {x, residual, gain, bias}, {{"eps", 1e-5}}))
    graph.add_output(output);
  for (Value output : graph.add(kAddLayerNorm, {x, residual, gain, Value{}}, {{"eps", 1e-5}}))
    graph.add_output(output);
  for (Value output : graph.add(kAddRmsNorm, {x, residual, gain}, {{"eps", 1e-5}, {"gain_offset", 1.0}}))
    graph.add_output(output);
  const Graph core = test::decomposed(graph);
  verify(core);
  EXPECT_EQ(core.order().size(), 6u);
  EXPECT_TRUE(test::agree(graph, core, 0));
}

TEST_F(NormTest, RejectsWhatDoesNotFit) {
  const Value narrow = graph.add_weight("narrow", {DType::kF32, {5}});
  EXPECT_EQ(error_of([&] { layer_norm(x, narrow, bias, 1e-5); }),
            "[layer_norm.0 (layer_norm)] gain must be f32[23], is f32[5]");
  EXPECT_EQ(error_of([&] { layer_norm(x, gain, narrow, 1e-5); }),
            "[layer_norm.0 (layer_norm)] bias must be f32[23], is f32[5]");
  EXPECT_EQ(error_of([&] { rms_norm(x, Value{}, 1e-5); }), "[rms_norm.0 (rms_norm)] input 1 is missing");
  EXPECT_EQ(error_of([&] {
              graph.add(kRmsNorm, {x, gain, bias}, {{"eps", 1e-5}});
            }),
            "[rms_norm.0 (rms_norm)] takes no bias");
  EXPECT_EQ(error_of([&] {
              graph.add(kAddRmsNorm, {x, residual, gain, bias}, {{"eps", 1e-5}});
            }),
            "[add_rms_norm.0 (add_rms_norm)] takes no bias");
  EXPECT_EQ(error_of([&] {
              graph.add(kRmsNorm, {x, gain});
            }),
            "[rms_norm.0 (rms_norm)] attribute 'eps' is missing");
  const Value other = graph.add_input("other", {DType::kF32, {Dim::symbol("rows"), kWidth}});
  EXPECT_EQ(error_of([&] {
              graph.add(kAddRmsNorm, {x, other, gain}, {{"eps", 1e-5}});
            }),
            "[add_rms_norm.0 (add_rms_norm)] x is f32[tokens, 23] but the residual is f32[rows, 23]");
}

TEST_F(NormTest, FusingSavesAPassOverTheSum) {
  const Value sum = add(x, residual), separate = rms_norm(sum, gain, 1e-5);
  const Value fused = graph.add(kAddRmsNorm, {x, residual, gain}, {{"eps", 1e-5}})[1];
  EXPECT_LT(test::cost_of(fused, 10).bytes, test::cost_of(sum, 10).bytes + test::cost_of(separate, 10).bytes);
}

}  // namespace
}  // namespace swiftlet::ops
