// Each invariant broken on purpose.
#include "swiftlet/graph/verify.h"

#include "swiftlet/graph/test_ops.h"

namespace swiftlet {
namespace {

using test::error_of;
using test::kSame;
using test::kSplit;
using test::row;

struct VerifyTest : testing::Test {
  Graph graph;
  Value x = graph.add_input("x", row(8));
  Value a = graph.add(kSame, {x})[0].named("a");
  Value b = graph.add(kSame, {a})[0].named("b");
  void SetUp() override {
    graph.add_output(b);
    verify(graph);
  }
  Node& node(Value value) { return graph.node(graph.value(value.id).producer); }
  std::string error() {
    return error_of([&] { verify(graph); });
  }
};

TEST_F(VerifyTest, AValueReadBeforeItIsComputed) {
  node(a).inputs[0] = b.id;
  EXPECT_EQ(error(), "[a] reads 'b' before it is computed");
}

TEST_F(VerifyTest, AValueWithoutANameIsNamedByItsNumber) {
  const Value c = graph.add(kSame, {x})[0];
  node(a).inputs[0] = c.id;
  EXPECT_EQ(error(), fmt::format("[a] reads %{} before it is computed", c.id));
}

TEST_F(VerifyTest, AValueOfARemovedNode) {
  graph.remove(graph.value(a.id).producer);
  EXPECT_EQ(error(), fmt::format("[b] reads %{} before it is computed", a.id));
}

TEST_F(VerifyTest, AnOutputOfARemovedNode) {
  graph.remove(graph.value(b.id).producer);
  EXPECT_EQ(error(), fmt::format("[graph] output %{} is never computed", b.id));
}

TEST_F(VerifyTest, ARemovedNodeInTheOrder) {
  node(b).removed = true;
  EXPECT_EQ(error(), "[b] was removed but is still in the order");
}

TEST_F(VerifyTest, AnInputThatIsNotThere) {
  node(b).inputs[0] = 99;
  EXPECT_EQ(error(), "[b] reads value 99, which is not there");
  node(b).inputs[0] = -2;
  EXPECT_EQ(error(), "[b] reads value -2, which is not there");
}

TEST_F(VerifyTest, AnOutputThatIsNotThere) {
  graph.add_output({&graph, 99});
  EXPECT_EQ(error(), "[graph] output 99 is not there");
  node(b).outputs[0] = 99;
  EXPECT_EQ(error(), "[b] computes value 99, which is not there");
}

TEST_F(VerifyTest, ATypeThatInferenceDoesNotGive) {
  graph.value(a.id).type = row(9);
  EXPECT_EQ(error(), "[a] output 0 is f32[tokens, 9], inference gives f32[tokens, 8]");
}

TEST_F(VerifyTest, InputsThatNoLongerFit) {
  const Value y = graph.add_input("y", row(9));
  node(b).inputs.push_back(y.id);
  EXPECT_EQ(error(), "[b (same)] f32[tokens, 9] is not f32[tokens, 8]");
}

TEST_F(VerifyTest, AnotherNumberOfOutputs) {
  node(b).op = &kSplit;
  EXPECT_EQ(error(), "[b] has 1 outputs, inference gives 2");
}

TEST_F(VerifyTest, AValueComputedTwiceOrByAnother) {
  node(b).outputs[0] = a.id;
  EXPECT_EQ(error(), "[b] computes 'a', which belongs to another");
  node(b).outputs[0] = x.id;
  EXPECT_EQ(error(), "[b] computes 'x', which belongs to another");
}

TEST_F(VerifyTest, TwoOutputsThatAreOne) {
  const auto both = graph.add(kSplit, {x});
  node(both[0]).outputs[1] = both[0].id;
  EXPECT_EQ(error(), fmt::format("[split.2] computes %{} a second time", both[0].id));
}

TEST_F(VerifyTest, TwoValuesOfOneName) {
  graph.value(b.id).name = "a";
  EXPECT_EQ(error(), "[graph] two values are named 'a'");
}

}  // namespace
}  // namespace swiftlet
