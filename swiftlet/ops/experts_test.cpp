#include "swiftlet/ops/experts.h"

#include <algorithm>
#include <numeric>

#include "swiftlet/graph/test_ops.h"
#include "swiftlet/graph/verify.h"
#include "tests/support/run_graph.h"

namespace swiftlet::ops {
namespace {

using test::doubles;
using test::error_of;
using test::tensor_of;

constexpr std::int64_t kHidden = 20, kWidth = 12, kCount = 4;

struct ExpertsTest : testing::Test {
  Graph graph;
  Value x = graph.add_input("x", {DType::kF32, {Dim::symbol("tokens"), kHidden}});
  Tensor x_values = test::random_tensor({9, kHidden}, 1);
  Value router = matrix("router", kCount, kHidden);
  Value router_bias = vector("router_bias", kCount);

  Value matrix(const std::string& name, std::int64_t n, std::int64_t k) {
    return graph.add_weight(name, {DType::kF32, {n, k}});
  }
  Value vector(const std::string& name, std::int64_t n) { return graph.add_weight(name, {DType::kF32, {n}}); }

  std::vector<ExpertValues> list(bool bias) {
    std::vector<ExpertValues> all;
    for (int e = 0; e < kCount; ++e) {
      const std::string name = std::to_string(e);
      all.push_back({.gate = matrix(name + ".gate", kWidth, kHidden),
                     .up = matrix(name + ".up", kWidth, kHidden),
                     .down = matrix(name + ".down", kHidden, kWidth)});
      if (!bias) continue;
      all.back().gate_bias = vector(name + ".gate_bias", kWidth);
      all.back().up_bias = vector(name + ".up_bias", kWidth);
      all.back().down_bias = vector(name + ".down_bias", kHidden);
    }
    return all;
  }
};

// y of one row, plainly.
std::vector<double> product(const WeightStore& weights, const std::string& name, const std::vector<double>& x,
                            bool bias) {
  const auto w = doubles(weights, name);
  std::vector<double> y(w.size() / x.size());
  if (bias) y = doubles(weights, name + "_bias");
  for (std::size_t n = 0; n < y.size(); ++n)
    for (std::size_t k = 0; k < x.size(); ++k) y[n] += w[n * x.size() + k] * x[k];
  return y;
}

// The gates of one row.
std::vector<double> gates_of(const WeightStore& weights, const std::vector<double>& x, std::size_t chosen,
                             bool over_all) {
  const auto scores = product(weights, "router", x, true);
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  double sum = 0;
  for (std::size_t i = 0; i < (over_all ? scores.size() : chosen); ++i) sum += std::exp(scores[order[i]]);
  std::vector<double> gates(scores.size());
  for (std::size_t i = 0; i < chosen; ++i) gates[order[i]] = std::exp(scores[order[i]]) / sum;
  return gates;
}

TEST_F(ExpertsTest, RoutesAndMixes) {
  for (const bool over_all : {false, true}) {
    graph = Graph();
    x = graph.add_input("x", {DType::kF32, {Dim::symbol("tokens"), kHidden}});
    router = matrix("router", kCount, kHidden);
    router_bias = vector("router_bias", kCount);
    const Value gates = route(x, router, router_bias, {.chosen = 2, .over_all = over_all});
    graph.add_output(gates);
    graph.add_output(experts(x, gates, list(true), 2, {.name = "silu"}));
    verify(graph);
    const auto weights = test::random_weights(graph);
    const auto rows = doubles(x_values);
    std::vector<double> all_gates, y;
    for (std::size_t row = 0; row < 9; ++row) {
      const std::vector<double> in(rows.begin() + static_cast<std::ptrdiff_t>(row * kHidden),
                                   rows.begin() + static_cast<std::ptrdiff_t>((row + 1) * kHidden));
      const auto own = gates_of(*weights, in, 2, over_all);
      all_gates.insert(all_gates.end(), own.begin(), own.end());
      std::vector<double> sum(kHidden);
      for (std::size_t e = 0; e < kCount; ++e) {
        if (own[e] == 0) continue;
        const std::string name = std::to_string(e);
        auto inner = product(*weights, name + ".gate", in, true);
        const auto up = product(*weights, name + ".up", in, true);
        for (std::size_t i = 0; i < kWidth; ++i) inner[i] = inner[i] / (1 + std::exp(-inner[i])) * up[i];
        const auto out = product(*weights, name + ".down", inner, true);
        for (std::size_t i = 0; i < kHidden; ++i) sum[i] += own[e] * out[i];
      }
      y.insert(y.end(), sum.begin(), sum.end());
    }
    test::expect_outputs(graph, test::ragged({5, 1, 3}), {{"x", x_values}},
                         {tensor_of({9, kCount}, all_gates), tensor_of({9, kHidden}, y)}, 1e-5, weights);
  }
}

// A router decides in f32 whatever the precision, so the same experts are taken.
TEST_F(ExpertsTest, TheRouterKeepsItsPrecision) {
  graph.add_output(route(x, router, {}, {.chosen = 2}));
  const auto weights = test::random_weights(graph);
  const auto gates = [&](std::optional<Arithmetic> precision) {
    CompileOptions options = test::as_built();
    options.precision = precision;
    return test::GraphRunner(graph, options, weights).run(test::ragged({9}), {{"x", x_values}})[0];
  };
  for (const Arithmetic precision : {Arithmetic::kBF16, Arithmetic::kInt8})
    EXPECT_TRUE(test::same_bits(gates(precision), gates(Arithmetic::kF32)));
}

TEST_F(ExpertsTest, MatricesFollowThePrecision) {
  graph.add_output(experts(x, route(x, router, {}, {.chosen = 2}), list(false), 2, {}));
  const auto weights = test::random_weights(graph);
  const auto run = [&](std::optional<Arithmetic> precision) {
    CompileOptions options = test::as_built();
    options.precision = precision;
    test::GraphRunner runner(graph, options, weights, 2);
    return std::pair(runner.run(test::ragged({9}), {{"x", x_values}})[0], runner.program().slots);
  };
  const auto [exact, slots] = run(Arithmetic::kF32);
  for (const Arithmetic precision : {Arithmetic::kBF16, Arithmetic::kInt8}) {
    const auto [rounded, rounded_slots] = run(precision);
    EXPECT_TRUE(test::close(rounded, exact, 0.05));
    EXPECT_FALSE(test::same_bits(rounded, exact));
    for (const Program::Slot& slot : rounded_slots)
      EXPECT_EQ(slot.form.encoding.format == Format::kF32, slot.name == "router") << slot.name;
  }
}

TEST_F(ExpertsTest, RejectsWhatDoesNotFit) {
  EXPECT_EQ(error_of([&] { route(x, router, {}, {.chosen = 5}); }),
            "[route.0 (route)] chooses 1 to 4 of 4 experts, not 5");
  EXPECT_EQ(error_of([&] { route(x, router, {}, {.chosen = 0}); }),
            "[route.0 (route)] chooses 1 to 4 of 4 experts, not 0");
  EXPECT_EQ(error_of([&] { route(x, matrix("narrow", 4, 7), {}, {}); }),
            "[route.0 (route)] the router must be [4, 20], is f32[4, 7]");
  EXPECT_EQ(error_of([&] { route(x, router, vector("b", 3), {}); }),
            "[route.0 (route)] bias must be f32[4], is f32[3]");
  const Value gates = route(x, router, {}, {.chosen = 2});
  auto some = list(false);
  some[2].down = matrix("wrong", kWidth, kHidden);
  EXPECT_EQ(error_of([&] { experts(x, gates, some, 2, {}); }),
            "[experts.1 (experts)] the way down of an expert must be [20, 12], is f32[12, 20]");
  some.pop_back();
  EXPECT_EQ(error_of([&] { experts(x, gates, some, 2, {}); }),
            "[experts.1 (experts)] the gates of f32[tokens, 20] over 3 experts are f32[tokens, 4]");
  EXPECT_EQ(error_of([&] { experts(x, gates, list(false), 2, {.name = ""}); }),
            "[experts.1 (experts)] a gate needs an activation");
  EXPECT_EQ(error_of([&] { experts(x, gates, {}, 2, {}); }),
            "[experts.1 (experts)] takes x, gates and 6 inputs for each expert, got 2 inputs");
}

// One row reads the experts that it chose, many rows nearly all.
TEST_F(ExpertsTest, CostIsThatOfTheChosenExperts) {
  const Value gates = route(x, router, {}, {.chosen = 1});
  const Value y = experts(x, gates, list(false), 1, {});
  const double expert = 3 * kWidth * kHidden;
  EXPECT_DOUBLE_EQ(test::cost_of(y, 1).flops, 2 * expert);
  EXPECT_DOUBLE_EQ(test::cost_of(y, 1).bytes, 4 * (expert + 2 * kHidden + kCount));
  EXPECT_DOUBLE_EQ(test::cost_of(y, 100).flops, 200 * expert);
  EXPECT_NEAR(test::cost_of(y, 100).bytes, 4 * (4 * expert + 100 * (2 * kHidden + kCount)), 1);
  EXPECT_DOUBLE_EQ(test::cost_of(gates, 3).flops, 2 * 3 * kCount * kHidden);
}

}  // namespace
}  // namespace swiftlet::ops
