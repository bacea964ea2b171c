#include "swiftlet/ops/row_function.h"

#include "swiftlet/graph/test_ops.h"
#include "tests/support/run_graph.h"

namespace swiftlet::ops {
namespace {

using test::doubles;
using test::error_of;

const Dim kTokens = Dim::symbol("tokens");

struct RowFunctionTest : testing::Test {
  Graph graph;
  Value x = graph.add_input("x", {DType::kF32, {kTokens, 2, 19}});
  Tensor values = test::random_tensor({5, 2, 19}, 1, 4);
  // `row` rewrites one row in place.
  void expect(const std::function<void(double* row)>& formula) {
    auto expected = doubles(values);
    for (std::size_t i = 0; i < expected.size(); i += 19) formula(&expected[i]);
    test::expect_outputs(graph, test::ragged({4, 1}), {{"x", values}},
                         {test::tensor_of({5, 2, 19}, expected)}, 1e-6);
  }
};

TEST_F(RowFunctionTest, SoftmaxOfEachRow) {
  graph.add_output(softmax(x));
  expect([](double* row) {
    double sum = 0;
    for (int i = 0; i < 19; ++i) sum += row[i] = std::exp(row[i]);
    for (int i = 0; i < 19; ++i) row[i] /= sum;
  });
}

TEST_F(RowFunctionTest, UnitLengthOfEachRow) {
  graph.add_output(l2_normalize(x));
  std::fill_n(values.mutable_data<float>(), 19, 0.0f);  // a row of zeros stays so
  expect([](double* row) {
    double squares = 0;
    for (int i = 0; i < 19; ++i) squares += row[i] * row[i];
    for (int i = 0; i < 19; ++i) row[i] /= std::max(std::sqrt(squares), 1e-12);
  });
}

TEST_F(RowFunctionTest, RejectsIntegers) {
  const Value ids = graph.add_input("ids", {DType::kI32, {kTokens, 4}});
  EXPECT_EQ(error_of([&] { softmax(ids); }),
            "[softmax.0 (softmax)] input 0 must be f32 with at least 1 dimensions, is i32[tokens, 4]");
  EXPECT_THAT(error_of([&] { l2_normalize(ids); }), testing::StartsWith("[l2_normalize.0 (l2_normalize)]"));
}

TEST_F(RowFunctionTest, Cost) {
  EXPECT_EQ(test::cost_of(softmax(x), 10).bytes, 2 * 10 * 38 * 4);
  EXPECT_GE(test::cost_of(softmax(x), 10).flops, 10 * 38);
}

}  // namespace
}  // namespace swiftlet::ops
