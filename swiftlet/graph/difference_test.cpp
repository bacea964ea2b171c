#include "swiftlet/graph/difference.h"

#include "swiftlet/graph/test_ops.h"

namespace swiftlet {
namespace {

using test::kSame;
using test::row;

Graph graph_of(double eps, const std::string& mode, int nodes = 1) {
  Graph graph;
  Value x = graph.add_input("x", row(8));
  for (int i = 0; i < nodes; ++i) x = graph.add(kSame, {x}, {{"eps", eps}, {"mode", mode}})[0];
  graph.add_output(x);
  return graph;
}

TEST(GraphDifference, IsNoneWithinTheTolerance) {
  EXPECT_FALSE(first_difference(graph_of(1e-5, "a"), graph_of(9.999999747378752e-06, "a"), 1e-6));
  EXPECT_FALSE(first_difference(graph_of(0, "a"), graph_of(0, "a"), 0));
}

TEST(GraphDifference, IsTheFirstLineThatDiffers) {
  const auto number = first_difference(graph_of(1e-5, "a", 2), graph_of(1.01e-5, "a", 2), 1e-6);
  ASSERT_TRUE(number.has_value());
  EXPECT_THAT(number->first, ::testing::HasSubstr("%1 = same($x) {eps=1e-05"));
  EXPECT_THAT(number->second, ::testing::HasSubstr("eps=1.01e-05"));
  EXPECT_TRUE(first_difference(graph_of(0, "a"), graph_of(0, "b"), 1e-6));
  EXPECT_TRUE(first_difference(graph_of(0, "a"), graph_of(0, "ab"), 1e-6));
  EXPECT_TRUE(first_difference(graph_of(0, "1"), graph_of(0, "a"), 1e-6));
  EXPECT_TRUE(first_difference(graph_of(0, "a"), graph_of(1e-9, "a"), 1e-6))
      << "nothing is near zero but zero";
}

TEST(GraphDifference, IsWhereOneGraphEnds) {
  const auto longer = first_difference(graph_of(0, "a"), graph_of(0, "a", 2), 1e-6);
  ASSERT_TRUE(longer.has_value());
  EXPECT_THAT(longer->first, ::testing::StartsWith("return"));
}

}  // namespace
}  // namespace swiftlet
