#include "swiftlet/ops/unfold.h"

#include "swiftlet/graph/test_ops.h"
#include "tests/support/run_graph.h"

namespace swiftlet::ops {
namespace {

using test::error_of;
using test::ragged;
using test::tensor_of;

struct UnfoldTest : testing::Test {
  Graph graph;
  Value x = graph.add_input("x", {DType::kF32, {Dim::symbol("tokens"), 2}});
};

TEST_F(UnfoldTest, PutsNeighboursSideBySideWithinEachSequence) {
  graph.add_output(unfold(x, 3));
  const Tensor values = tensor_of({6, 2}, {1, 10, 2, 20, 3, 30, 4, 40, 5, 50, 6, 60});
  const std::vector<double> expected{0, 1, 2, 0, 10, 20, 1, 2, 3, 10, 20, 30, 2, 3, 0, 20, 30, 0,
                                     0, 4, 0, 0, 40, 0,  0, 5, 6, 0,  50, 60, 5, 6, 0, 50, 60, 0};
  test::expect_outputs(graph, ragged({3, 1, 2}), {{"x", values}}, {tensor_of({6, 6}, expected)}, 0);
}

TEST_F(UnfoldTest, MayReachBeyondBothEnds) {
  graph.add_output(unfold(x, 5));
  const Tensor values = tensor_of({2, 2}, {1, 10, 2, 20});
  const std::vector<double> expected{0, 0, 1, 2, 0, 0, 0, 10, 20, 0, 0, 1, 2, 0, 0, 0, 10, 20, 0, 0};
  test::expect_outputs(graph, ragged({2}), {{"x", values}}, {tensor_of({2, 10}, expected)}, 0);
}

TEST_F(UnfoldTest, RejectsAnEvenNumber) {
  EXPECT_EQ(error_of([&] { unfold(x, 2); }),
            "[unfold.0 (unfold)] the number of neighbours must be odd and at most 1025, is 2");
}

TEST_F(UnfoldTest, CostsWhatItMoves) {
  EXPECT_EQ(test::cost_of(unfold(x, 3), 10).bytes, 4 * (2 + 6) * 10);
}

}  // namespace
}  // namespace swiftlet::ops
