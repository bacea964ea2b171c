#include "swiftlet/runtime/compile.h"

#include "swiftlet/graph/test_ops.h"
#include "swiftlet/ops/embedding.h"
#include "swiftlet/ops/reshape.h"
#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace swiftlet {
namespace {

using test::close;
using test::error_of;
using test::GraphRunner;
using testing::HasSubstr;

const Dim kTokens = Dim::symbol("tokens");

struct CompileTest : testing::Test {
  Graph graph;
  WeightStore weights;
  CompileOptions options{.maxima = {{"tokens", 8}, {"sequences", 2}}};
  Value x = graph.add_input("x", {DType::kF32, {kTokens, 16}});
  std::string error() {
    return error_of([&] { compile(graph, weights, options); });
  }
  void add_weight(const std::string& name, Shape shape) {
    weights.add(weight_from_tensor(name, test::random_tensor(std::move(shape), 1)));
  }
};

TEST(Compile, FusedProgramsComputeWhatTheGraphSays) {
  for (const Graph& graph : {test::small_decoder(), test::small_encoder()}) {
    GraphRunner plain(graph), fused(graph, CompileOptions{});
    EXPECT_LT(fused.program().steps.size(), plain.program().steps.size());
    for (const std::vector<int>& lengths : std::vector<std::vector<int>>{{4, 1, 33}, {1}})
      EXPECT_TRUE(close(fused.run(test::ragged(lengths)), plain.run(test::ragged(lengths)), 1e-5));
  }
}

TEST(Compile, ALayerOfEachFamilyHasTheStepsThatItShould) {
  const auto ops = [](const Graph& graph) {
    const GraphRunner runner(graph, CompileOptions{});
    std::vector<std::string> names;
    for (const Program::Step& step : runner.program().steps) names.emplace_back(step.op);
    return names;
  };
  EXPECT_THAT(ops(test::small_decoder({.layers = 1})),
              testing::ElementsAre("rms_norm", "linear_merged", "rope", "rope", "attention", "linear",
                                   "add_rms_norm", "gated_linear", "linear", "add_rms_norm"));
  EXPECT_THAT(ops(test::small_encoder({.layers = 1})),
              testing::ElementsAre("linear_merged", "attention", "linear", "add_layer_norm", "linear",
                                   "linear", "add_layer_norm", "pool", "l2_normalize"));
}

// Readers of one norm in one arithmetic share one preparation of it, whatever the encodings of their weights.
TEST(Compile, LinearsOfOneArithmeticAreQuantizedForOnce) {
  Graph graph;
  const Value x = graph.add_input("x", {DType::kF32, {Dim::symbol("tokens"), 64}});
  const Value h = ops::rms_norm(x, graph.add_weight("gain", {DType::kF32, {64}}), 1e-5);
  const auto weights = std::make_shared<WeightStore>();
  weights->add(weight_from_tensor("gain", test::random_tensor({64}, 1)));
  const auto project = [&](const std::string& name, std::int64_t n, const Encoding& encoding) {
    Weight weight =
        encode(weight_from_tensor(name, test::random_tensor({n, 64}, test::hash_of(name))), encoding);
    weight.arithmetic = Arithmetic::kInt8;
    weights->add(weight);
    graph.add_output(ops::linear(h, graph.add_weight(name, {DType::kF32, {n, 64}})));
  };
  project("q", 48, {Format::kInt8, 0, false});
  project("k", 16, {Format::kInt4, 32, false});
  project("v", 16, {Format::kInt4, 32, true});
  GraphRunner merged(graph, CompileOptions{}, weights), alone(graph, test::as_built(), weights);
  ASSERT_EQ(merged.program().steps.size(), 2u);
  EXPECT_EQ(merged.program().steps[1].op, "linear_merged");
  EXPECT_EQ(merged.program().steps[1].arithmetic, Arithmetic::kInt8);
  const test::StepTables step = test::ragged({1, 7});
  EXPECT_TRUE(close(merged.run(step), alone.run(step), 0));
}

TEST(Compile, EveryNamedValueCanBeTapped) {
  for (const Graph& graph : {test::small_decoder(), test::small_encoder()}) {
    CompileOptions plain = test::as_built(), fused;
    for (std::size_t i = 0; i < graph.value_count(); ++i) {
      const ValueInfo& info = graph.value(static_cast<ValueId>(i));
      if (info.kind == ValueKind::kComputed && !info.name.empty()) plain.keep.push_back(info.name);
    }
    ASSERT_GT(plain.keep.size(), 10u);
    fused.keep = plain.keep;
    GraphRunner all(graph, plain);
    const test::StepTables step = test::ragged({4, 1, 9});
    EXPECT_TRUE(close(GraphRunner(graph, fused).run(step), all.run(step), 1e-5));
    // One at a time, so that each meets every fusion around it.
    for (const std::string& name : plain.keep) {
      fused.keep = {name};
      GraphRunner one(graph, fused);
      one.run(step);
      EXPECT_TRUE(
          close(test::copy_of(one.executor().output(name)), test::copy_of(all.executor().output(name)), 1e-5))
          << name;
    }
  }
}

TEST_F(CompileTest, AnUnknownTapIsNamed) {
  options.keep = {"layers.0.attention"};
  EXPECT_EQ(error(), "[compile] there is no value named 'layers.0.attention' to keep");
}

TEST_F(CompileTest, ASymbolWithoutAMaximumIsNamed) {
  graph.add_output(ops::scale(x, 2));
  options.maxima = {{"sequences", 2}};
  EXPECT_EQ(error(), "[compile] no maximum was given for the symbol 'tokens'");
}

TEST_F(CompileTest, AMissingWeightIsNamed) {
  graph.add_output(ops::linear(x, graph.add_weight("proj.weight", {DType::kF32, {4, 16}})));
  EXPECT_THAT(error(), HasSubstr("[proj.weight] "));
}

TEST_F(CompileTest, AnOpWithoutAKernelIsNamed) {
  graph.add_output(graph.add(test::kSame, {x})[0].named("layer.0"));
  EXPECT_EQ(error(), "[layer.0] op 'same' is not available on the CPU");
}

TEST_F(CompileTest, AMatrixThatIsComputedIsRefused) {
  const Value w = ops::scale(graph.add_input("w", {DType::kF32, {4, 16}}), 2);
  graph.add_output(ops::linear(x, w).named("dynamic"));
  EXPECT_EQ(error(), "[dynamic] a matrix that is computed by the graph is not available yet");
}

TEST_F(CompileTest, ASymbolAsTheLastDimensionIsRefusedWithTheNode) {
  const Value row = graph.add_input("row", {DType::kF32, {kTokens}});
  graph.add_output(ops::softmax(row).named("scores"));
  EXPECT_EQ(error(), "[scores (softmax)] the last dimension of f32[tokens] must be a number");
}

TEST_F(CompileTest, AnExtentThatDividesIsRefused) {
  const Value half = graph.add_input("half", {DType::kF32, {kTokens.floor_div(2000), 4}});
  graph.add_output(ops::scale(half, 2));
  EXPECT_EQ(error(), "[compile] the extent (tokens)/2000 is not available: it divides a symbol");
}

TEST_F(CompileTest, SizesBeyondMemoryAreRefused) {
  options.maxima["tokens"] = std::int64_t{1} << 60;
  graph.add_output(ops::scale(x, 2));
  EXPECT_EQ(error(), "[compile] f32[tokens, 16] does not fit into memory");
}

TEST_F(CompileTest, InputsConstantsAndWeightsMayBeOutputs) {
  add_weight("gain", {16});
  const Value gain = graph.add_weight("gain", {DType::kF32, {16}});
  const Value constant = graph.add_constant(test::random_tensor({3}, 9));
  for (Value value : {x, gain, constant, ops::scale(constant, 2)}) graph.add_output(value);
  auto store = std::make_shared<WeightStore>();
  store->add(weights.get("gain"));
  for (const CompileOptions& chosen : {test::as_built(), CompileOptions{}}) {
    GraphRunner runner(graph, chosen, store);
    const Tensor rows = test::random_tensor({5, 16}, 3);
    const auto outputs = runner.run(test::ragged({5}), {{"x", rows}});
    EXPECT_TRUE(test::same_bits(outputs[0], rows));
    EXPECT_THAT(outputs[1].span<float>(), testing::ElementsAreArray(decode(weights.get("gain"))));
    EXPECT_TRUE(test::same_bits(outputs[2], graph.value(constant.id).constant));
    EXPECT_FLOAT_EQ(outputs[3].span<float>()[1], 2 * outputs[2].span<float>()[1]);
  }
}

TEST_F(CompileTest, PortsCarryTheNamesOfTheGraph) {
  graph.add_output(ops::scale(ops::scale(x, 2).named("a"), 3).named("b"));
  options.keep = {"a", "x"};
  const Program program = compile(graph, weights, options);
  EXPECT_EQ(program.output("b"), 0u);
  EXPECT_EQ(program.output("a"), 1u);
  EXPECT_EQ(program.output("x"), 2u);
  EXPECT_EQ(program.input("x"), 0u);
  EXPECT_EQ(program.maxima[program.symbol("tokens")], 8);
  EXPECT_EQ(error_of([&] { program.output("c"); }), "[program] there is no output named 'c'");
  EXPECT_EQ(error_of([&] { program.input("c"); }), "[program] there is no input named 'c'");
  EXPECT_EQ(error_of([&] { program.symbol("c"); }), "[program] there is no symbol named 'c'");
}

TEST_F(CompileTest, PlannedForTheMaximaRunForLess) {
  graph.add_output(ops::add(ops::scale(x, 2), x));
  options.simplify = options.fuse = false;
  GraphRunner runner(graph, options);
  EXPECT_GE(runner.program().arena_bytes, std::size_t{2 * 8 * 16 * 4});
  for (int tokens : {8, 1, 5}) EXPECT_EQ(runner.run(test::ragged({tokens}))[0].shape(), (Shape{tokens, 16}));
}

TEST_F(CompileTest, OneSlotForAWeightThatIsReadTwice) {
  add_weight("w", {16, 16});
  const Value w = graph.add_weight("w", {DType::kF32, {16, 16}});
  const Value ids = graph.add_input("ids", {DType::kI32, {kTokens}});
  graph.add_output(ops::linear(ops::linear(ops::embedding(ids, w), w), w));
  const Program program = compile(graph, weights, options);
  ASSERT_EQ(program.slots.size(), 2u);  // rows for the embedding, panels for both products
  EXPECT_EQ(program.slots[0].form.layout, Layout::kRows);
  EXPECT_EQ(program.slots[1].form.layout, Layout::kPanels);
}

TEST(Compile, StatesTellTheShapeOfTheCache) {
  CompileOptions options;
  options.paged_cache = true;
  const GraphRunner runner(test::small_decoder({.layers = 3}), options);
  ASSERT_EQ(runner.program().states.size(), 3u);
  EXPECT_EQ(runner.program().states[2].kv_heads, 2);
  EXPECT_EQ(runner.program().states[2].head_dim, 8);
  EXPECT_EQ(runner.program().states[2].value_dim, 8);
}

// ---- Precision

TEST(Compile, AttentionRoundsWhereMatricesAreNarrow) {
  WeightStore wide, narrow;
  const Weight matrix = weight_from_tensor("w", test::random_tensor({4, 8}, 1));
  wide.add(matrix);
  wide.add(weight_from_tensor("norm", Tensor::zeros(DType::kBF16, {8})));  // a vector, narrow or not
  narrow.add(encode(matrix, {Format::kBF16}));
  EXPECT_FALSE(rounds_activations(wide, std::nullopt));
  EXPECT_TRUE(rounds_activations(wide, Arithmetic::kInt8));
  EXPECT_TRUE(rounds_activations(narrow, std::nullopt));
  EXPECT_FALSE(rounds_activations(narrow, Arithmetic::kF32));
}

MatrixForm form_of(const Encoding& stored, std::optional<Arithmetic> precision,
                   Arithmetic certified = Arithmetic::kF32) {
  Weight weight = encode(weight_from_tensor("w", test::random_tensor({4, 8}, 1)), stored);
  weight.arithmetic = certified;
  return matrix_form(weight, precision, kernels::table_for("scalar"));
}

TEST(MatrixForm, FloatWeightsFollowThePrecision) {
  const Encoding f32{Format::kF32}, f16{Format::kF16}, bf16{Format::kBF16}, int8{Format::kInt8};
  for (const Encoding& stored : {f32, f16, bf16}) {
    EXPECT_EQ(form_of(stored, Arithmetic::kF32).encoding, stored);
    EXPECT_EQ(form_of(stored, Arithmetic::kF32).arithmetic, Arithmetic::kF32);
    EXPECT_EQ(form_of(stored, Arithmetic::kBF16).encoding, bf16);
    EXPECT_EQ(form_of(stored, Arithmetic::kBF16).arithmetic, Arithmetic::kBF16);
    EXPECT_EQ(form_of(stored, Arithmetic::kInt8).encoding, int8);
    EXPECT_EQ(form_of(stored, Arithmetic::kInt8).arithmetic, Arithmetic::kInt8);
    EXPECT_EQ(form_of(stored, std::nullopt).encoding, stored);
  }
  EXPECT_EQ(form_of(f32, std::nullopt).arithmetic, Arithmetic::kF32);
  EXPECT_EQ(form_of(bf16, std::nullopt).arithmetic, Arithmetic::kBF16);
}

TEST(MatrixForm, IntegerWeightsStayAndKeepWhatTheyWereCertifiedWith) {
  for (const Encoding& stored : {Encoding{Format::kInt8}, Encoding{Format::kInt4, 8, true}}) {
    EXPECT_EQ(form_of(stored, std::nullopt).encoding, stored);
    EXPECT_EQ(form_of(stored, std::nullopt).arithmetic, Arithmetic::kF32);
    EXPECT_EQ(form_of(stored, std::nullopt, Arithmetic::kInt8).arithmetic, Arithmetic::kInt8);
    EXPECT_EQ(form_of(stored, Arithmetic::kF32, Arithmetic::kInt8).arithmetic, Arithmetic::kF32);
    EXPECT_EQ(form_of(stored, Arithmetic::kInt8).arithmetic, Arithmetic::kInt8);
    EXPECT_EQ(form_of(stored, Arithmetic::kBF16).encoding, stored);
  }
}

// An integer weight that is certified for bf16 has no such kernel: it falls back, and says so.
TEST(MatrixForm, TellsWhereItFellBack) {
  const MatrixForm form = form_of({Format::kInt8}, std::nullopt, Arithmetic::kBF16);
  EXPECT_EQ(form.arithmetic, Arithmetic::kF32);
  EXPECT_EQ(form.wanted, Arithmetic::kBF16);
  EXPECT_EQ(form_of({Format::kInt8}, Arithmetic::kInt8).wanted, Arithmetic::kInt8);
}

TEST(Compile, LowerPrecisionStaysNear) {
  const test::StepTables step = test::ragged({4, 1, 9});
  for (const Graph& graph : {test::small_decoder(), test::small_encoder()}) {
    const auto expected = GraphRunner(graph, CompileOptions{}).run(step);
    for (const auto& [precision, tolerance] :
         {std::pair{Arithmetic::kF32, 1e-6}, {Arithmetic::kBF16, 3e-2}, {Arithmetic::kInt8, 6e-2}}) {
      CompileOptions options;
      options.precision = precision;
      const auto actual = GraphRunner(graph, options).run(step);
      EXPECT_TRUE(close(actual, expected, tolerance)) << static_cast<int>(precision);
      EXPECT_EQ(test::same_bits(actual[0], expected[0]), precision == Arithmetic::kF32);
    }
  }
}

}  // namespace
}  // namespace swiftlet
