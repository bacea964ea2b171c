#include "swiftlet/ops/columns.h"

#include "swiftlet/graph/test_ops.h"
#include "tests/support/run_graph.h"

namespace swiftlet::ops {
namespace {

using test::error_of;
using test::ragged;
using test::random_tensor;
using test::tensor_of;

struct ColumnsTest : testing::Test {
  Graph graph;
  Value x = graph.add_input("x", {DType::kF32, {Dim::symbol("tokens"), 12}});
  Tensor values = random_tensor({5, 12}, 1);

  // Columns of a row, as indices of x.
  void expect(Value y, const std::vector<std::size_t>& indices) {
    graph.add_output(y);
    const auto in = test::doubles(values);
    std::vector<double> out;
    for (std::size_t row = 0; row < 5; ++row)
      for (std::size_t i : indices) out.push_back(in[row * 12 + i]);
    test::expect_outputs(graph, ragged({2, 3}), {{"x", values}},
                         {tensor_of({5, static_cast<std::int64_t>(indices.size())}, out)}, 0);
  }
};

TEST_F(ColumnsTest, OfARow) {
  expect(columns(x, 4, 3), {4, 5, 6});
}

TEST_F(ColumnsTest, OfEveryGroup) {
  expect(columns(x, 1, 2, 3), {1, 2, 5, 6, 9, 10});
}

TEST_F(ColumnsTest, RejectsWhatDoesNotFit) {
  EXPECT_EQ(error_of([&] { columns(x, 0, 1, 5); }),
            "[columns.0 (columns)] f32[tokens, 12] does not divide into 5 groups");
  EXPECT_EQ(error_of([&] { columns(x, 3, 2, 3); }),
            "[columns.0 (columns)] columns 3 to 5 are not among the 4 of a group of f32[tokens, 12]");
  EXPECT_EQ(error_of([&] { columns(x, 0, 0); }),
            "[columns.0 (columns)] columns 0 to 0 are not among the 12 of a group of f32[tokens, 12]");
}

TEST_F(ColumnsTest, CostsWhatItMoves) {
  EXPECT_EQ(test::cost_of(columns(x, 0, 3), 10).bytes, 2 * 4 * 3 * 10);
}

}  // namespace
}  // namespace swiftlet::ops
