#include "swiftlet/ops/stack.h"

#include "swiftlet/graph/test_ops.h"
#include "swiftlet/ops/norm.h"
#include "tests/support/run_graph.h"

namespace swiftlet::ops {
namespace {

TEST(Stack, GivesEachHeadItsOwnGain) {
  Graph graph;
  const Value x = graph.add_input("x", {DType::kF32, {Dim::symbol("tokens"), 6}});
  const Value a = graph.add_input("a", {DType::kF32, {3}}), b = graph.add_input("b", {DType::kF32, {3}});
  graph.add_output(normalize_heads(x, kLayerNorm, stack({a, b}), 2, 1e-5));
  const Tensor values = test::random_tensor({4, 6}, 1), first = test::random_tensor({3}, 2),
               second = test::random_tensor({3}, 3);
  const auto in = test::doubles(values), ga = test::doubles(first), gb = test::doubles(second);
  std::vector<double> out;
  for (std::size_t i = 0; i < 24; ++i) {
    const std::size_t at = i / 3 * 3;
    const double mean = (in[at] + in[at + 1] + in[at + 2]) / 3;
    double squares = 0;
    for (std::size_t j = at; j < at + 3; ++j) squares += (in[j] - mean) * (in[j] - mean) / 3;
    out.push_back((in[i] - mean) / std::sqrt(squares + 1e-5) * (i / 3 % 2 == 0 ? ga : gb)[i % 3]);
  }
  test::expect_outputs(graph, test::ragged({1, 3}), {{"x", values}, {"a", first}, {"b", second}},
                       {test::tensor_of({4, 6}, out)}, 3e-6);
}

TEST(Stack, RejectsWhatDoesNotFit) {
  Graph graph;
  const Value a = graph.add_input("a", {DType::kF32, {3}}), b = graph.add_input("b", {DType::kF32, {4}});
  EXPECT_EQ(test::error_of([&] { stack({a, b}); }), "[stack.0 (stack)] each row must be f32[3], is f32[4]");
}

}  // namespace
}  // namespace swiftlet::ops
