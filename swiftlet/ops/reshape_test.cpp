#include "swiftlet/ops/reshape.h"

#include "swiftlet/graph/test_ops.h"
#include "tests/support/run_graph.h"

namespace swiftlet::ops {
namespace {

using test::error_of;

const Dim kTokens = Dim::symbol("tokens");

struct ReshapeTest : testing::Test {
  Graph graph;
  Value x = graph.add_input("x", {DType::kF32, {kTokens, 12}});
  Value shape(const std::vector<std::int64_t>& extents) {
    return graph.add_constant(test::int64_tensor(extents));
  }
  std::string error(const std::vector<std::int64_t>& extents) {
    return error_of([&] { reshape(x, shape(extents)); });
  }
};

TEST_F(ReshapeTest, OneExtentMayBeWhatIsLeft) {
  EXPECT_EQ(reshape(x, shape({-1, 4, 3})).type().to_string(), "f32[tokens, 4, 3]");
  EXPECT_EQ(reshape(x, shape({-1})).type().to_string(), "f32[12*tokens]");
  EXPECT_EQ(reshape(x, shape({6, -1})).type().to_string(), "f32[6, 2*tokens]");
  EXPECT_EQ(reshape(reshape(x, shape({-1})), shape({-1, 12})).type().to_string(), "f32[tokens, 12]");
}

TEST_F(ReshapeTest, AShapeMayComeFromAnotherValue) {
  const Value y = graph.add_input("y", {DType::kF32, {kTokens * 2, 2, 3}});
  const Value known = shape_of(y);
  ASSERT_TRUE(graph.value(known.id).integers.has_value());
  EXPECT_EQ(to_string(*graph.value(known.id).integers), "[2*tokens, 2, 3]");
  EXPECT_EQ(known.type().to_string(), "i64[3]");
  EXPECT_EQ(reshape(x, known).type().to_string(), "f32[2*tokens, 2, 3]");
  // The values flow through a reshape of the shape's own consumer, too.
  EXPECT_EQ(to_string(*graph.value(shape_of(reshape(x, known)).id).integers), "[2*tokens, 2, 3]");
}

TEST_F(ReshapeTest, MovesNoElement) {
  const Value ids = graph.add_input("ids", {DType::kI32, {kTokens, 2}});
  graph.add_output(reshape(x, shape({-1, 2, 6})));
  graph.add_output(reshape(ids, shape({-1})));
  graph.add_output(shape_of(x));
  const Tensor values = test::random_tensor({5, 12}, 1);
  const Tensor flat = test::int_tensor({1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  const Tensor pairs(DType::kI32, {5, 2}, flat.buffer());
  test::expect_outputs(graph, test::ragged({5}), {{"x", values}, {"ids", pairs}},
                       {Tensor(DType::kF32, {5, 2, 6}, values.buffer()), flat, test::int64_tensor({5, 12})},
                       0);
}

TEST_F(ReshapeTest, RejectsWhatDoesNotDivide) {
  EXPECT_EQ(error({-1, 5}), "[reshape.0 (reshape)] f32[tokens, 12] does not divide into [-1, 5]");
  EXPECT_EQ(error({-1, 0}), "[reshape.0 (reshape)] f32[tokens, 12] does not divide into [-1, 0]");
  EXPECT_EQ(error({4, 3}),
            "[reshape.0 (reshape)] f32[tokens, 12] has 12*tokens elements, [4, 3] asks for 12");
}

TEST_F(ReshapeTest, RejectsNegativeAndSeveralFreeExtents) {
  EXPECT_EQ(error({-1, -1}), "[reshape.0 (reshape)] [-1, -1] has more than one -1");
  EXPECT_EQ(error({-2, -6}), "[reshape.0 (reshape)] [-2, -6] has a negative extent");
}

TEST_F(ReshapeTest, RejectsAShapeThatIsNotKnown) {
  const Value late = graph.add_input("late", {DType::kI64, {2}});
  EXPECT_EQ(error_of([&] { reshape(x, late); }),
            "[reshape.0 (reshape)] the shape input i64[2] is not known before the program runs");
  EXPECT_EQ(error_of([&] {
              reshape(x, graph.add_constant(Tensor::zeros(DType::kI64, {1, 2})));
            }),
            "[reshape.0 (reshape)] the shape input must have one dimension, is i64[1, 2]");
  EXPECT_EQ(error_of([&] { reshape(x, graph.add_constant(Tensor::zeros(DType::kF32, {2}))); }),
            "[reshape.0 (reshape)] the shape input f32[2] is not known before the program runs");
}

TEST_F(ReshapeTest, TwoSymbolsAreRefused) {
  const Value y = graph.add_input("y", {DType::kF32, {kTokens, Dim::symbol("length")}});
  EXPECT_THAT(error_of([&] { reshape(y, shape({-1})); }),
              testing::HasSubstr("more than one symbolic dimension"));
}

TEST_F(ReshapeTest, Cost) {
  EXPECT_EQ(test::cost_of(shape_of(x), 10).bytes, 0);
  EXPECT_EQ(test::cost_of(reshape(x, shape({-1})), 10).bytes, 2 * 120 * 4 + 8);
  EXPECT_EQ(test::cost_of(reshape(x, shape({-1})), 10).flops, 0);
}

}  // namespace
}  // namespace swiftlet::ops
