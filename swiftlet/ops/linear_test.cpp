#include "swiftlet/ops/linear.h"

#include "swiftlet/graph/test_ops.h"
#include "swiftlet/graph/verify.h"
#include "tests/support/run_graph.h"

namespace swiftlet::ops {
namespace {

using test::close;
using test::doubles;
using test::error_of;
using test::GraphRunner;
using test::random_tensor;
using test::tensor_of;

const Dim kTokens = Dim::symbol("tokens");
constexpr std::size_t kK = 37;

struct LinearTest : testing::Test {
  Graph graph;
  Value x = graph.add_input("x", {DType::kF32, {kTokens, kK}});
  Tensor x_values = random_tensor({9, kK}, 1);
  test::StepTables step = test::ragged({5, 1, 3});

  Value matrix(const std::string& name, std::int64_t n) {
    return graph.add_weight(name, {DType::kF32, {n, std::int64_t{kK}}});
  }
  Value vector(const std::string& name, std::int64_t n) { return graph.add_weight(name, {DType::kF32, {n}}); }
  // x W^T + b by plain loops.
  std::vector<double> product(const std::vector<double>& w, const std::vector<double>& b = {}) const {
    const auto rows = doubles(x_values);
    const std::size_t n = w.size() / kK;
    std::vector<double> y;
    for (std::size_t row = 0; row < rows.size() / kK; ++row)
      for (std::size_t c = 0; c < n; ++c) {
        double sum = b.empty() ? 0 : b[c];
        for (std::size_t k = 0; k < kK; ++k) sum += rows[row * kK + k] * w[c * kK + k];
        y.push_back(sum);
      }
    return y;
  }
};

TEST_F(LinearTest, ProductBiasAndActivation) {
  const Value w = matrix("w", 21), b = vector("b", 21);
  graph.add_output(linear(x, w));
  graph.add_output(linear(x, w, b));
  graph.add_output(graph.add(kLinear, {x, w, b}, {{"activation", std::string("relu")}})[0]);
  const auto weights = test::random_weights(graph);
  const auto plain = product(doubles(*weights, "w"));
  const auto biased = product(doubles(*weights, "w"), doubles(*weights, "b"));
  auto active = biased;
  for (double& v : active) v = std::max(v, 0.0);
  test::expect_outputs(graph, step, {{"x", x_values}},
                       {tensor_of({9, 21}, plain), tensor_of({9, 21}, biased), tensor_of({9, 21}, active)},
                       1e-5, weights);
}

TEST_F(LinearTest, RowsMayHaveTwoDimensions) {
  const Value cube = graph.add_input("cube", {DType::kF32, {kTokens, 3, std::int64_t{kK}}});
  const Value y = linear(cube, matrix("w", 5));
  EXPECT_EQ(y.type().to_string(), "f32[tokens, 3, 5]");
  graph.add_output(y);
  const auto weights = test::random_weights(graph);
  const Tensor values(DType::kF32, {3, 3, kK}, x_values.buffer());
  test::expect_outputs(graph, test::ragged({3}), {{"cube", values}},
                       {tensor_of({3, 3, 5}, product(doubles(*weights, "w")))}, 1e-5, weights);
}

TEST_F(LinearTest, MergedLinears) {
  const auto outputs =
      graph.add(kLinearMerged,
                {x, matrix("w0", 20), Value{}, matrix("w1", 3), vector("b1", 3), matrix("w2", 33), Value{}},
                {{"activations", std::string(",tanh,")}});
  for (Value output : outputs) graph.add_output(output);
  const auto weights = test::random_weights(graph);
  auto middle = product(doubles(*weights, "w1"), doubles(*weights, "b1"));
  for (double& v : middle) v = std::tanh(v);
  test::expect_outputs(graph, step, {{"x", x_values}},
                       {tensor_of({9, 20}, product(doubles(*weights, "w0"))), tensor_of({9, 3}, middle),
                        tensor_of({9, 33}, product(doubles(*weights, "w2")))},
                       1e-5, weights);
}

TEST_F(LinearTest, DecomposingMergedLinearsChangesNoBit) {
  const auto outputs =
      graph.add(kLinearMerged, {x, matrix("w0", 20), vector("b0", 20), matrix("w1", 3), Value{}},
                {{"activations", std::string("gelu,")}});
  for (Value output : outputs) graph.add_output(output);
  const Graph core = test::decomposed(graph);
  verify(core);
  ASSERT_EQ(core.order().size(), 2u);
  EXPECT_EQ(core.node(core.order()[0]).attributes.to_string(), "activation=gelu");
  EXPECT_EQ(core.node(core.order()[1]).attributes.to_string(), "");
  EXPECT_TRUE(test::agree(graph, core, 0));
}

// Whatever the encoding: f32 arithmetic multiplies exactly what decode() gives.
TEST_F(LinearTest, EveryEncodingMultipliesItsDecodedValues) {
  graph.add_output(linear(x, matrix("w", 21)));
  const auto source = test::random_weights(graph);
  for (const char* name :
       {"f32", "f16", "bf16", "int8", "int8-g16", "int4", "int4-g8-asym", "int8-g32-asym"}) {
    auto weights = std::make_shared<WeightStore>();
    weights->add(encode(source->get("w"), *parse_encoding(name)));
    CompileOptions options = test::as_built();
    options.precision = Arithmetic::kF32;
    for (const kernels::KernelTable* table : kernels::available_tables()) {
      options.table = table;
      GraphRunner runner(graph, options, weights);
      EXPECT_TRUE(close(runner.run(step, {{"x", x_values}})[0],
                        tensor_of({9, 21}, product(doubles(*weights, "w"))), 1e-5))
          << name << ", " << table->isa;
    }
  }
}

TEST_F(LinearTest, MergingDifferentArithmeticIsRefused) {
  const auto outputs = graph.add(kLinearMerged, {x, matrix("w0", 4), Value{}, matrix("w1", 4), Value{}},
                                 {{"activations", std::string(",")}});
  graph.add_output(outputs[0].named("merged"));
  auto weights = std::make_shared<WeightStore>(), source = test::random_weights(graph);
  weights->add(source->get("w0"));
  Weight certified = encode(source->get("w1"), {Format::kInt8});
  certified.arithmetic = Arithmetic::kInt8;
  weights->add(certified);
  EXPECT_EQ(error_of([&] { GraphRunner(graph, test::as_built(), weights); }),
            "[merged (linear_merged)] merges weights of different arithmetic");
}

TEST_F(LinearTest, NamesItselfAfterTheScope) {
  const std::map<std::string, Shape> checkpoint{{"q.weight", {8, kK}}, {"q.bias", {8}}};
  const Scope::Shapes shapes = [&](const std::string& name) -> std::optional<Shape> {
    const auto found = checkpoint.find(name);
    return found == checkpoint.end() ? std::nullopt : std::optional(found->second);
  };
  const Scope scope(graph, shapes);
  const Value y = linear(x, scope["q"], true);
  EXPECT_EQ(graph.value(y.id).name, "q");
  EXPECT_EQ(y.type().to_string(), "f32[tokens, 8]");
  EXPECT_THAT(error_of([&] { linear(x, scope["k"]); }), testing::StartsWith("[k.weight] "));
}

TEST_F(LinearTest, RejectsWhatDoesNotFit) {
  const Value w = matrix("w", 4);
  const Value narrow = graph.add_weight("narrow", {DType::kF32, {4, 5}});
  EXPECT_EQ(error_of([&] { linear(x, narrow); }),
            "[linear.0 (linear)] x is f32[tokens, 37] but the weight is f32[4, 5]: 37 is not 5");
  EXPECT_EQ(error_of([&] { linear(x, w, vector("b", 5)); }),
            "[linear.0 (linear)] bias must be f32[4], is f32[5]");
  EXPECT_EQ(error_of([&] { linear(x, vector("b", 5)); }),
            "[linear.0 (linear)] a weight must have 2 dimensions, is f32[5]");
  EXPECT_EQ(error_of([&] {
              graph.add(kLinear, {x, w});
            }),
            "[linear.0 (linear)] takes x, weight and bias (absent or not), got 2 inputs");
  EXPECT_THAT(error_of([&] {
                graph.add(kLinear, {x, w, {}}, {{"activation", std::string("mish")}});
              }),
              testing::HasSubstr("[linear.0 (linear)] 'mish' is not known"));
}

TEST_F(LinearTest, RejectsMergedLinearsThatDoNotFit) {
  const Value w = matrix("w", 4);
  const Attributes one{{"activations", std::string("")}};
  EXPECT_EQ(error_of([&] {
              graph.add(kLinearMerged, {x, w}, one);
            }),
            "[linear_merged.0 (linear_merged)] takes x and 1 to 4 pairs of weight and bias, got 2 inputs");
  EXPECT_EQ(error_of([&] {
              graph.add(kLinearMerged, {x, w, {}, w, {}}, one);
            }),
            "[linear_merged.0 (linear_merged)] needs one activation for each of 2 weights, got 1");
  EXPECT_THAT(error_of([&] {
                graph.add(kLinearMerged, {x, w, {}, w, {}, w, {}, w, {}, w, {}},
                          {{"activations", std::string(",,,,")}});
              }),
              testing::HasSubstr("got 11 inputs"));
  EXPECT_THAT(error_of([&] { graph.add(kLinearMerged, {}, one); }), testing::HasSubstr("got 0 inputs"));
  EXPECT_THAT(error_of([&] {
                graph.add(kLinearMerged, {x, w, {}}, {{"activations", std::string("mish")}});
              }),
              testing::HasSubstr("'mish' is not known"));
}

TEST_F(LinearTest, CostCountsTheWeightOnceAndEveryProduct) {
  const Cost one = test::cost_of(linear(x, matrix("w", 8)), 1),
             ten = test::cost_of(linear(x, matrix("w", 8)), 10);
  EXPECT_EQ(one.flops, 2 * 37 * 8);
  EXPECT_EQ(ten.flops, 10 * one.flops);
  EXPECT_EQ(one.bytes, 4 * (37 + 37 * 8 + 8));
  EXPECT_EQ(ten.bytes, 4 * (370 + 37 * 8 + 80));
}

}  // namespace
}  // namespace swiftlet::ops
