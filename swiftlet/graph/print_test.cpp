#include "swiftlet/graph/print.h"

#include "swiftlet/graph/test_ops.h"

namespace swiftlet {
namespace {

using test::kSame;
using test::kSplit;
using test::row;

// An input, a weight, a state, a constant, an absent input, attributes, names, two outputs.
struct PrintTest : testing::Test {
  Graph graph;
  void SetUp() override {
    const Value x = graph.add_input("x", row(8));
    const Value w = graph.add_weight("mlp.weight", row(8));
    const Value state = graph.add_state("cache.0");
    const Value two = graph.add_constant(Tensor::zeros(DType::kI64, {2}));
    const Value h = graph.add(kSame, {x, w, Value{}}, {{"eps", 1e-5}, {"mode", std::string("\"a\"")}})[0];
    h.named("mlp");
    const auto halves = graph.add(kSplit, {h});
    graph.add(kSame, {state});
    graph.add(kSame, {two});
    graph.add_output(halves[1].named("y"));
    graph.add_output(x);
  }
};

TEST_F(PrintTest, Text) {
  EXPECT_EQ(to_text(graph),
            "%4 = same($x, @mlp.weight, -) {eps=1e-05, mode=\"a\"} : f32[tokens, 8]  # mlp\n"
            "%5, %6 = split(%4) : f32[tokens, 8], f32[tokens, 8]  # y\n"
            "%7 = same($cache.0) : u8[]  # same.2\n"
            "%8 = same(consti64[2]) : i64[2]  # same.3\n"
            "return %6, $x\n");
}

TEST_F(PrintTest, Graphviz) {
  EXPECT_EQ(to_graphviz(graph), R"(digraph swiftlet {
  node [shape=box, fontname="monospace"];
  n0 [label="same\nmlp"];
  v0 [label="$x", shape=ellipse];
  v0 -> n0 [label="f32[tokens, 8]"];
  v1 [label="@mlp.weight", shape=ellipse];
  v1 -> n0 [label="f32[tokens, 8]"];
  n1 [label="split\ny"];
  n0 -> n1 [label="f32[tokens, 8]"];
  n2 [label="same\nsame.2"];
  v2 [label="$cache.0", shape=ellipse];
  v2 -> n2 [label="u8[]"];
  n3 [label="same\nsame.3"];
  v3 [label="consti64[2]", shape=ellipse];
  v3 -> n3 [label="i64[2]"];
  out0 [label="y", shape=ellipse];
  n1 -> out0 [label="f32[tokens, 8]"];
  out1 [label="x", shape=ellipse];
  v0 -> out1 [label="f32[tokens, 8]"];
}
)");
}

TEST(Print, EscapesQuotesInGraphviz) {
  Graph graph;
  const Value x = graph.add_input("a\"b\\c", row(1));
  graph.add(kSame, {x});
  EXPECT_THAT(to_graphviz(graph), testing::HasSubstr(R"([label="$a\"b\\c", shape=ellipse])"));
}

TEST(Print, AnEmptyGraph) {
  EXPECT_EQ(to_text(Graph{}), "return \n");
  EXPECT_EQ(to_graphviz(Graph{}), "digraph swiftlet {\n  node [shape=box, fontname=\"monospace\"];\n}\n");
}

}  // namespace
}  // namespace swiftlet
