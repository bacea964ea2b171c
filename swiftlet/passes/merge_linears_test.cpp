#include "swiftlet/passes/merge_linears.h"

#include "swiftlet/graph/print.h"
#include "swiftlet/graph/verify.h"
#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace swiftlet {
namespace {

using test::count_nodes;

struct MergeTest : testing::Test {
  Graph graph;
  Value x = graph.add_input("x", {DType::kF32, {Dim::symbol("tokens"), 24}});
  Value weight(const std::string& name, std::int64_t n) {
    return graph.add_weight(name, {DType::kF32, {n, 24}});
  }
  Value bias(const std::string& name, std::int64_t n) { return graph.add_weight(name, {DType::kF32, {n}}); }
  // The chain of additions of an output depends on its row and weight alone, so every bit stays.
  bool merge(MergeLinears pass = MergeLinears()) {
    const Graph before = graph;
    const bool changed = pass.run(graph);
    verify(graph);
    EXPECT_TRUE(test::agree(before, graph, 0));
    return changed;
  }
};

TEST_F(MergeTest, LinearsOfOneInputBecomeOneNode) {
  const Value q = ops::linear(x, weight("q", 20)).named("q_proj");
  const Value k = ops::linear(x, weight("k", 8), bias("k.bias", 8)).named("k_proj");
  const Value s = ops::softmax(q);
  const Value v = ops::linear(x, weight("v", 17)).named("v_proj");
  for (Value value : {s, k, v}) graph.add_output(value);
  EXPECT_TRUE(merge());
  EXPECT_EQ(to_text(graph),
            "%9, %10, %11 = linear_merged($x, @q, -, @k, @k.bias, @v, -) {activations=,,}"
            " : f32[tokens, 20], f32[tokens, 8], f32[tokens, 17]  # q_proj+k_proj+v_proj\n"
            "%6 = softmax(%9) : f32[tokens, 20]  # softmax.2\n"
            "return %6, %10, %11\n");
  EXPECT_EQ(graph.value(graph.outputs()[1]).name, "k_proj");
  EXPECT_FALSE(merge());
}

TEST_F(MergeTest, KeepsActivationsApart) {
  const std::pair<const char*, const char*> linears[] = {{"a", "gelu"}, {"b", ""}, {"c", "silu"}};
  for (const auto& [name, activation] : linears)
    graph.add_output(
        graph.add(ops::kLinear, {x, weight(name, 5), {}}, {{"activation", std::string(activation)}})[0]);
  EXPECT_TRUE(merge());
  const Node& node = graph.node(graph.order()[0]);
  EXPECT_EQ(node.attributes.get<std::string>("activations"), "gelu,,silu");
}

TEST_F(MergeTest, FourAtATime) {
  for (int i = 0; i < 9; ++i) graph.add_output(ops::linear(x, weight(fmt::format("w{}", i), 3 + i)));
  EXPECT_TRUE(merge());
  EXPECT_EQ(count_nodes(graph, "linear_merged"), 2);
  EXPECT_EQ(count_nodes(graph, "linear"), 1);
}

TEST_F(MergeTest, OneKindOnly) {
  for (const char* name : {"a.int8", "b.f32", "c.int8", "d.f32", "e.bf16"})
    graph.add_output(ops::linear(x, weight(name, 6)));
  EXPECT_TRUE(merge(MergeLinears([](const std::string& name) { return name.substr(2); })));
  EXPECT_EQ(count_nodes(graph, "linear_merged"), 2);
  EXPECT_EQ(count_nodes(graph, "linear"), 1);
}

TEST_F(MergeTest, OtherInputsStayApart) {
  const Value a = ops::linear(x, weight("a", 24));
  graph.add_output(ops::linear(a, weight("b", 24)));
  EXPECT_FALSE(merge());
}

TEST_F(MergeTest, ABiasThatIsComputedStays) {
  const Value late = ops::scale(graph.add_input("late", {DType::kF32, {6}}), 2);
  graph.add_output(ops::linear(x, weight("a", 6)));
  graph.add_output(ops::linear(x, weight("b", 6), late));
  EXPECT_FALSE(merge());
}

TEST_F(MergeTest, ChainsOfMergedLinears) {
  const Value a = ops::linear(x, weight("a", 24)), b = ops::linear(x, weight("b", 24));
  for (Value value : {ops::linear(a, weight("c", 7)), ops::linear(a, weight("d", 24)), b})
    graph.add_output(value);
  EXPECT_TRUE(merge());
  EXPECT_EQ(count_nodes(graph, "linear_merged"), 2);
  EXPECT_EQ(count_nodes(graph, "linear"), 0);
}

TEST(MergeLinears, OfModels) {
  Graph decoder = test::small_decoder();
  const Graph before = decoder;
  EXPECT_TRUE(MergeLinears().run(decoder));
  verify(decoder);
  EXPECT_EQ(count_nodes(decoder, "linear_merged"), 4);  // q, k, v and gate, up, twice
  EXPECT_EQ(count_nodes(decoder, "linear"), 4);
  EXPECT_TRUE(test::agree(before, decoder, 0));
}

}  // namespace
}  // namespace swiftlet
