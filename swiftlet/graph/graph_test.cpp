#include "swiftlet/graph/graph.h"

#include "swiftlet/graph/test_ops.h"
#include "swiftlet/graph/verify.h"

namespace swiftlet {
namespace {

using test::error_of;
using test::kSame;
using test::kSplit;
using test::row;
using testing::ElementsAre;
using testing::HasSubstr;

struct GraphTest : testing::Test {
  Graph graph;
  Value x = graph.add_input("x", row(8));
  Value same(Value a, Value b = {}) { return graph.add(kSame, {a, b})[0]; }
  NodeId producer(Value value) { return graph.value(value.id).producer; }
};

TEST_F(GraphTest, AddsBehindAndInsertsBefore) {
  const Value a = same(x), b = same(a);
  const Value c = graph.insert(producer(b), kSame, {a.id})[0];
  EXPECT_THAT(graph.order(), ElementsAre(producer(a), producer(c), producer(b)));
  EXPECT_EQ(c.type(), row(8));
  verify(graph);
}

TEST_F(GraphTest, InfersEveryOutput) {
  const auto outputs = graph.add(kSplit, {x});
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_EQ(producer(outputs[0]), producer(outputs[1]));
  EXPECT_EQ(outputs[1].type().to_string(), "f32[tokens, 8]");
}

TEST_F(GraphTest, ErrorsNameTheNodeAndLeaveTheGraphAsItWas) {
  same(x);
  const Value y = graph.add_input("y", row(9));
  const std::size_t values = graph.value_count();
  EXPECT_EQ(error_of([&] { same(x, y); }), "[same.1 (same)] f32[tokens, 9] is not f32[tokens, 8]");
  EXPECT_EQ(error_of([&] { graph.add(kSame, {Value{}}); }), "[same.1 (same)] input 0 is missing");
  EXPECT_EQ(graph.order().size(), 1u);
  EXPECT_EQ(graph.value_count(), values);
  verify(graph);
  EXPECT_EQ(graph.node(producer(same(x))).name, "same.1");
}

TEST_F(GraphTest, UsersAreListedOnceInOrder) {
  const Value a = same(x, x), b = same(a, x), c = same(b);
  EXPECT_THAT(graph.users(x.id), ElementsAre(producer(a), producer(b)));
  EXPECT_THAT(graph.users(c.id), ElementsAre());
}

TEST_F(GraphTest, ReplaceRedirectsReadersOutputsAndTheName) {
  const Value a = same(x).named("a"), b = same(a, a);
  graph.add_output(a);
  graph.add_output(b);
  const Value c = graph.insert(producer(b), kSame, {x.id})[0];
  graph.replace(a.id, c.id);
  EXPECT_THAT(graph.node(producer(b)).inputs, ElementsAre(c.id, c.id));
  EXPECT_THAT(graph.outputs(), ElementsAre(c.id, b.id));
  EXPECT_EQ(graph.find("a"), c.id);
  EXPECT_TRUE(graph.users(a.id).empty());
  verify(graph);
}

TEST_F(GraphTest, ReplaceKeepsANameThatIsThere) {
  const Value a = same(x).named("a"), c = same(x).named("c");
  graph.replace(a.id, c.id);
  EXPECT_EQ(graph.find("c"), c.id);
  EXPECT_EQ(graph.find("a"), a.id);
}

TEST_F(GraphTest, RemovedNodesGiveTheirNamesUp) {
  const Value a = same(x).named("a");
  graph.remove(producer(a));
  EXPECT_TRUE(graph.order().empty());
  EXPECT_TRUE(graph.node(producer(a)).removed);
  EXPECT_FALSE(graph.find("a").has_value());
  EXPECT_EQ(graph.find("a"), std::nullopt);
  same(x).named("a");
  verify(graph);
}

TEST_F(GraphTest, NamingAValueNamesItsNode) {
  const Value a = same(x).named("layer.0");
  EXPECT_EQ(graph.node(producer(a)).name, "layer.0");
  EXPECT_EQ(graph.find("layer.0"), a.id);
  EXPECT_EQ(graph.find("layer.1"), std::nullopt);
}

TEST_F(GraphTest, WeightsAreSlotsByName) {
  const Value w = graph.add_weight("w", {DType::kF32, {4, 8}});
  EXPECT_EQ(graph.add_weight("w", {DType::kF32, {4, 8}}).id, w.id);
  EXPECT_EQ(error_of([&] {
              graph.add_weight("w", {DType::kF32, {8, 4}});
            }),
            "[w] is used as f32[4, 8] and as f32[8, 4]");
  EXPECT_THAT(error_of([&] { graph.add_weight("x", row(8)); }), HasSubstr("[x]"));
}

TEST_F(GraphTest, SmallIntegerConstantsAreKnown) {
  Tensor shape = Tensor::zeros(DType::kI64, {2});
  shape.mutable_data<std::int64_t>()[1] = 7;
  const auto known = graph.value(graph.add_constant(shape).id).integers;
  ASSERT_TRUE(known.has_value());
  EXPECT_EQ(*known, (Dims{0, 7}));
  EXPECT_FALSE(graph.value(graph.add_constant(Tensor::zeros(DType::kI32, {65})).id).integers.has_value());
  EXPECT_FALSE(graph.value(graph.add_constant(Tensor::zeros(DType::kF32, {2})).id).integers.has_value());
}

TEST_F(GraphTest, AnOutputIsListedOnce) {
  graph.add_output(x);
  graph.add_output(x);
  EXPECT_THAT(graph.outputs(), ElementsAre(x.id));
  EXPECT_TRUE(graph.is_output(x.id));
}

TEST(Attributes, ErrorsNameWhatIsMissingOrOfAnotherType) {
  const Attributes attributes{{"eps", 1e-6}, {"heads", std::int64_t{8}}};
  EXPECT_EQ(attributes.get<double>("eps"), 1e-6);
  EXPECT_EQ(attributes.get_or<double>("scale", 2.0), 2.0);
  EXPECT_EQ(error_of([&] { attributes.get<bool>("causal"); }), "[graph] attribute 'causal' is missing");
  EXPECT_EQ(error_of([&] { attributes.get<double>("heads"); }),
            "[graph] attribute 'heads' is of another type than it is read as, its value is 8");
  EXPECT_THAT(error_of([&] { attributes.get_or<bool>("eps", false); }), HasSubstr("another type"));
}

TEST(Attributes, PrintAndCompareByName) {
  Attributes a{{"heads", std::int64_t{8}}, {"eps", 1e-6}};
  EXPECT_EQ(a.to_string(), "eps=1e-06, heads=8");
  Attributes b{{"eps", 1e-6}};
  EXPECT_NE(a, b);
  b.set("heads", std::int64_t{8});
  EXPECT_EQ(a, b);
  EXPECT_EQ((Attributes{{"list", std::vector<std::int64_t>{1, 2}}, {"flag", true}}).to_string(),
            "flag=true, list=[1, 2]");
}

}  // namespace
}  // namespace swiftlet
