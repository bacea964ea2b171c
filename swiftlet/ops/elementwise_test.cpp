#include "swiftlet/ops/elementwise.h"

#include "swiftlet/graph/test_ops.h"
#include "tests/support/run_graph.h"

namespace swiftlet::ops {
namespace {

using test::cost_of;
using test::doubles;
using test::error_of;
using test::ragged;
using test::random_tensor;
using test::tensor_of;

const Dim kTokens = Dim::symbol("tokens");
const Shape kShape{7, 13};

struct ElementwiseTest : testing::Test {
  Graph graph;
  Value x = graph.add_input("x", {DType::kF32, {kTokens, 13}});
  Tensor x_values = random_tensor(kShape, 1, 3);
  void expect(Value y, const std::function<double(double x, std::size_t i)>& formula, test::Inputs more = {},
              double tolerance = 1e-6) {
    graph.add_output(y);
    std::vector<double> expected = doubles(x_values);
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = formula(expected[i], i);
    more["x"] = x_values;
    test::expect_outputs(graph, ragged({3, 4}), more, {tensor_of(kShape, expected)}, tolerance);
  }
};

TEST_F(ElementwiseTest, AddAndMultiplyRows) {
  const Value y = graph.add_input("y", {DType::kF32, {kTokens, 13}});
  const Tensor values = random_tensor(kShape, 2);
  const auto other = doubles(values);
  expect(mul(add(x, y), y), [&](double v, std::size_t i) { return (v + other[i]) * other[i]; },
         {{"y", values}});
}

TEST_F(ElementwiseTest, AVectorServesEveryRow) {
  const Value b = graph.add_input("b", {DType::kF32, {13}});
  const Tensor values = random_tensor({13}, 3);
  const auto other = doubles(values);
  expect(add(mul(x, b), b), [&](double v, std::size_t i) { return v * other[i % 13] + other[i % 13]; },
         {{"b", values}});
}

TEST_F(ElementwiseTest, Scale) {
  expect(scale(x, -0.37), [](double v, std::size_t) { return v * static_cast<double>(-0.37f); });
}

TEST_F(ElementwiseTest, Clip) {
  expect(
      clip(x, 0.5), [](double v, std::size_t) { return std::clamp(v, -0.5, 0.5); }, {}, 0);
  EXPECT_EQ(error_of([&] { clip(x, 0); }), "[clip.1 (clip)] the limit must be above 0, is 0");
}

TEST_F(ElementwiseTest, Shift) {
  const Value ids = graph.add_input("ids", {DType::kI32, {kTokens}});
  EXPECT_EQ(shift(ids, 0).id, ids.id);
  graph.add_output(shift(ids, 2));
  test::GraphRunner runner(graph);
  const Tensor y =
      runner.run(ragged({1, 2}), {{"ids", test::int_tensor({5, 0, 7})}, {"x", random_tensor({3, 13}, 1)}})[0];
  EXPECT_THAT(y.span<std::int32_t>(), testing::ElementsAre(7, 2, 9));
  EXPECT_EQ(error_of([&] { shift(x, 1); }), "[shift.1 (shift)] x must be i32[n], is f32[tokens, 13]");
}

TEST_F(ElementwiseTest, ActivationsOfSeveralNodes) {
  expect(activation(x, "relu2"), [](double v, std::size_t) { return v > 0 ? v * v : 0; });
}

TEST_F(ElementwiseTest, QuickGelu) {
  expect(activation(x, "quick_gelu"), [](double v, std::size_t) { return v / (1 + std::exp(-1.702 * v)); });
}

TEST_F(ElementwiseTest, HigherRanks) {
  const Value a = graph.add_input("a", {DType::kF32, {kTokens, 2, 3}});
  const Tensor values = random_tensor({5, 2, 3}, 1);
  graph.add_output(add(a, a));
  auto expected = doubles(values);
  for (double& v : expected) v *= 2;
  test::expect_outputs(graph, ragged({5}), {{"a", values}}, {tensor_of({5, 2, 3}, expected)});
}

struct Formula {
  const char* name;
  double (*value)(double);
};

double gelu_tanh(double x) {
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
}
double silu(double x) {
  return x / (1 + std::exp(-x));
}

const Formula kFormulas[] = {
    {"relu", [](double x) { return std::max(x, 0.0); }},
    {"gelu", [](double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }},
    {"gelu_new", gelu_tanh},
    {"gelu_pytorch_tanh", gelu_tanh},
    {"silu", silu},
    {"swish", silu},
    {"tanh", [](double x) { return std::tanh(x); }},
    {"sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }},
};

TEST_F(ElementwiseTest, EveryActivation) {
  for (const Formula& formula : kFormulas) {
    Graph own;
    const Value input = own.add_input("x", {DType::kF32, {kTokens, 13}});
    own.add_output(activation(input, formula.name));
    auto expected = doubles(x_values);
    for (double& v : expected) v = formula.value(v);
    SCOPED_TRACE(formula.name);
    test::expect_outputs(own, ragged({7}), {{"x", x_values}}, {tensor_of(kShape, expected)}, 2e-6);
  }
}

TEST_F(ElementwiseTest, RejectsWhatDoesNotGoTogether) {
  const Value y = graph.add_input("y", {DType::kF32, {kTokens, 12}});
  const Value ids = graph.add_input("ids", {DType::kI32, {kTokens, 13}});
  const Value column = graph.add_input("column", {DType::kF32, {kTokens}});
  EXPECT_EQ(error_of([&] { add(x, y); }),
            "[add.0 (add)] f32[tokens, 13] and f32[tokens, 12] do not go together");
  EXPECT_EQ(error_of([&] { mul(x, column); }),
            "[mul.0 (mul)] f32[tokens, 13] and f32[tokens] do not go together");
  EXPECT_EQ(error_of([&] { add(x, ids); }),
            "[add.0 (add)] input 1 must be f32 with at least 1 dimensions, is i32[tokens, 13]");
  EXPECT_EQ(error_of([&] { add(x, Value{}); }), "[add.0 (add)] input 1 is missing");
  EXPECT_EQ(error_of([&] { graph.add(kScale, {x}); }), "[scale.0 (scale)] attribute 'factor' is missing");
}

TEST_F(ElementwiseTest, AnUnknownActivationListsTheKnownOnes) {
  EXPECT_EQ(error_of([&] { activation(x, "mish"); }),
            "[activation.0 (activation)] 'mish' is not known; known are relu, gelu, gelu_new, gelu_fast, "
            "gelu_pytorch_tanh, gelu_tanh, silu, swish, tanh, sigmoid");
}

TEST_F(ElementwiseTest, CostIsWhatIsStreamed) {
  const Cost sum = cost_of(add(x, x), 10);
  EXPECT_EQ(sum.flops, 130);
  EXPECT_EQ(sum.bytes, 3 * 130 * 4);
  EXPECT_GT(cost_of(activation(x, "gelu"), 10).flops, sum.flops);
  EXPECT_EQ(cost_of(add(x, graph.add_weight("b", {DType::kF32, {13}})), 10).bytes, (130 + 13 + 130) * 4);
}

}  // namespace
}  // namespace swiftlet::ops
