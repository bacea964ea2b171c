// Weights are slots: a compiled program meets another weight, another adapter or none without being compiled
// again.
#include "swiftlet/passes/add_low_rank_branches.h"
#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace swiftlet {
namespace {

constexpr std::int64_t kN = 24, kK = 40, kRank = 3;

Weight matrix(const std::string& name, Shape shape, std::uint64_t seed) {
  return weight_from_tensor(name, test::random_tensor(std::move(shape), seed));
}

// y = W x + B A x over doubles.
std::vector<double> expected(const Tensor& x, const WeightStore& weights) {
  const auto w = test::doubles(weights, "m.weight"), a = test::doubles(weights, "m.lora_A.weight"),
             b = test::doubles(weights, "m.lora_B.weight"), rows = test::doubles(x);
  std::vector<double> y;
  for (std::size_t t = 0; t < rows.size() / kK; ++t) {
    std::vector<double> small(kRank, 0);
    for (std::size_t r = 0; r < kRank; ++r)
      for (std::size_t k = 0; k < kK; ++k) small[r] += a[r * kK + k] * rows[t * kK + k];
    for (std::size_t n = 0; n < kN; ++n) {
      double sum = 0;
      for (std::size_t k = 0; k < kK; ++k) sum += w[n * kK + k] * rows[t * kK + k];
      for (std::size_t r = 0; r < kRank; ++r) sum += b[n * kRank + r] * small[r];
      y.push_back(sum);
    }
  }
  return y;
}

struct SlotsTest : testing::Test {
  SlotsTest() {
    Graph graph;
    const Value in = graph.add_input("x", {DType::kF32, {Dim::symbol("tokens"), kK}});
    graph.add_output(ops::linear(in, graph.add_weight("m.weight", {DType::kF32, {kN, kK}})).named("y"));
    AddLowRankBranches([](const std::string&) { return kRank; }).run(graph);
    runner = std::make_unique<test::GraphRunner>(graph, CompileOptions{});
    weights = runner->weights();
  }
  void expect_values(double tolerance = 1e-5) {
    const Tensor y = runner->run(test::ragged({5}), {{"x", x}})[0];
    const std::vector<double> want = expected(x, *weights);
    for (std::size_t i = 0; i < want.size(); ++i)
      ASSERT_NEAR(y.span<float>()[i], want[i], tolerance * 10) << "element " << i;
    last = y;
  }
  std::unique_ptr<test::GraphRunner> runner;
  std::shared_ptr<WeightStore> weights;
  Tensor x = test::random_tensor({5, kK}, 9), last;
};

TEST_F(SlotsTest, AnAdapterIsSwappedAndTakenAway) {
  const Program* const program = &runner->program();
  expect_values();
  const Tensor first = last;
  const Weight a = weights->get("m.lora_A.weight"), b = weights->get("m.lora_B.weight");
  weights->replace(matrix("m.lora_A.weight", {kRank, kK}, 21));
  weights->replace(matrix("m.lora_B.weight", {kN, kRank}, 22));
  expect_values();
  EXPECT_FALSE(test::same_bits(last, first));
  weights->replace(weight_from_tensor("m.lora_B.weight", Tensor::zeros(DType::kF32, {kN, kRank})));
  expect_values();  // the model alone
  weights->replace(a);
  weights->replace(b);
  expect_values();
  EXPECT_TRUE(test::same_bits(last, first)) << "the first adapter again gives the first bits again";
  EXPECT_EQ(&runner->program(), program);
}

TEST_F(SlotsTest, AWeightIsSwappedUnderItsAdapter) {
  expect_values();
  const Tensor first = last;
  weights->replace(matrix("m.weight", {kN, kK}, 33));
  expect_values();
  EXPECT_FALSE(test::same_bits(last, first));
  // In another encoding: the slot asks for its own form, in which the old weight was read.
  weights->replace(encode(matrix("m.weight", {kN, kK}, 34), {Format::kInt8, 0, false}));
  expect_values();
}

TEST_F(SlotsTest, OnlyWhatWasReplacedIsPackedAgain) {
  expect_values();
  const auto bound = [&] {
    std::map<std::string, std::pair<const std::byte*, std::uint64_t>> codes;
    const auto views = runner->executor().bindings().weights();
    for (std::size_t i = 0; i < views.size(); ++i) {
      const std::string& name = runner->program().slots[i].name;
      codes[name] = {views[i].weight->codes.data(), weights->version(name)};
    }
    return codes;
  };
  const auto before = bound();
  weights->replace(matrix("m.lora_A.weight", {kRank, kK}, 41));
  expect_values();
  const auto after = bound();
  EXPECT_EQ(after.at("m.weight"), before.at("m.weight"));
  EXPECT_EQ(after.at("m.lora_B.weight"), before.at("m.lora_B.weight"));
  EXPECT_EQ(after.at("m.lora_A.weight").second, before.at("m.lora_A.weight").second + 1);
}

TEST_F(SlotsTest, AnAdapterOfAnotherRankIsRefused) {
  EXPECT_THROW(weights->replace(matrix("m.lora_A.weight", {kRank + 1, kK}, 1)), Error);
  EXPECT_THROW(weights->replace(matrix("n.lora_A.weight", {kRank, kK}, 1)), Error);
  expect_values();
}

// A whole decoder, fused, in int8 and f32, with a cache: every weight of it swapped to that of another model
// gives what the other model gives.
TEST(Slots, AWholeModelIsSwapped) {
  Graph graph = test::small_decoder();
  AddLowRankBranches([](const std::string&) { return kRank; }).run(graph);
  for (const Arithmetic precision : {Arithmetic::kF32, Arithmetic::kInt8}) {
    CompileOptions options;
    options.precision = precision;
    options.paged_cache = true;
    const auto theirs = test::random_weights(graph, 2);
    test::GraphRunner mine(graph, options, test::random_weights(graph, 1)), other(graph, options, theirs);
    const auto output = [](test::GraphRunner& runner) {
      test::TestCache cache(runner.program(), 2, 64);
      runner.run(cache.step({9, 4}));
      return runner.run(cache.step({1, 1}))[0];
    };
    const Tensor before = output(mine), wanted = output(other);
    EXPECT_FALSE(test::same_bits(before, wanted));
    for (const std::string& name : theirs->names()) mine.weights()->replace(theirs->get(name));
    EXPECT_TRUE(test::same_bits(output(mine), wanted)) << to_string(precision);
  }
}

}  // namespace
}  // namespace swiftlet
