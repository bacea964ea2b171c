#include "swiftlet/passes/narrow_to_output_rows.h"

#include "swiftlet/graph/print.h"
#include "swiftlet/graph/verify.h"
#include "swiftlet/ops/experts.h"
#include "swiftlet/ops/pool.h"
#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace swiftlet {
namespace {

using test::count_nodes;

// The last row of every sequence, and the first of the batch.
test::Inputs last_rows(const test::StepTables& step) {
  std::vector<std::int32_t> rows{0};
  for (const kernels::Segment& segment : step.segments) rows.push_back(segment.query_end - 1);
  return {{"rows", test::int_tensor(rows)}};
}

struct NarrowTest : testing::Test {
  Graph graph;
  Value x = graph.add_input("x", {DType::kF32, {Dim::symbol("tokens"), 20}});
  Value rows = graph.add_input("rows", {DType::kI32, {Dim::symbol("outputs")}});
  Value w = graph.add_weight("w", {DType::kF32, {20, 20}});
  Value gain = graph.add_weight("gain", {DType::kF32, {20}});
  // Rows do not see one another, so every bit stays.
  bool narrow() {
    const Graph before = graph;
    const bool changed = NarrowToOutputRows().run(graph);
    verify(graph);
    EXPECT_TRUE(test::agree(before, graph, 0, last_rows));
    return changed;
  }
};

TEST_F(NarrowTest, TheSelectionMovesBeforeWhatWorksByRows) {
  const Value h = ops::linear(x, w).named("h");
  graph.add_output(ops::select_rows(ops::rms_norm(h, gain, 1e-5).named("n"), rows).named("y"));
  EXPECT_TRUE(narrow());
  EXPECT_EQ(to_text(graph),
            "%7 = select_rows($x, $rows) : f32[outputs, 20]  # select_rows.3\n"
            "%8 = linear(%7, @w, -) : f32[outputs, 20]  # h\n"
            "%9 = rms_norm(%8, @gain) {eps=1e-05} : f32[outputs, 20]  # n\n"
            "return %9\n");
  EXPECT_EQ(graph.value(9).name, "y");
  EXPECT_FALSE(narrow());
}

TEST_F(NarrowTest, AValueReadTwiceIsSelectedOnce) {
  const Value h = ops::add(x, ops::linear(ops::activation(ops::rms_norm(x, gain, 1e-5), "silu"), w));
  graph.add_output(ops::select_rows(ops::mul(h, h), rows));
  EXPECT_TRUE(narrow());
  EXPECT_EQ(count_nodes(graph, "select_rows"), 1);
}

TEST_F(NarrowTest, WhatOthersReadInFullStays) {
  const Value h = ops::linear(x, w).named("h");
  const Value n = ops::rms_norm(h, gain, 1e-5);
  graph.add_output(h);  // a tap
  graph.add_output(ops::pool(ops::scale(n, 2), "mean"));
  graph.add_output(ops::select_rows(ops::scale(n, 3), rows));
  EXPECT_TRUE(narrow());  // the scale alone
  EXPECT_EQ(graph.value(*graph.find("h")).type.to_string(), "f32[tokens, 20]");
  EXPECT_THAT(to_text(graph), testing::HasSubstr("{factor=3} : f32[outputs, 20]"));
  EXPECT_THAT(to_text(graph), testing::HasSubstr("{factor=2} : f32[tokens, 20]"));
}

TEST_F(NarrowTest, NothingToDoWhereTheSelectionStandsBehindAnInput) {
  graph.add_output(ops::select_rows(x, rows));
  EXPECT_FALSE(narrow());
}

TEST_F(NarrowTest, TwoSelectionsOfOneValueLeaveIt) {
  const Value others = graph.add_input("others", {DType::kI32, {Dim::symbol("outputs")}});
  const Value h = ops::linear(x, w);
  graph.add_output(ops::select_rows(h, rows));
  graph.add_output(ops::select_rows(h, others));
  EXPECT_FALSE(NarrowToOutputRows().run(graph));
}

// Rows choose their experts by themselves.
TEST_F(NarrowTest, AMixtureOfExpertsRunsForTheSelectedRowsOnly) {
  const Value router = graph.add_weight("router", {DType::kF32, {3, 20}});
  std::vector<ops::ExpertValues> experts;
  for (const char* name : {"a", "b", "c"})
    experts.push_back({.gate = graph.add_weight(std::string(name) + ".gate", {DType::kF32, {8, 20}}),
                       .up = graph.add_weight(std::string(name) + ".up", {DType::kF32, {8, 20}}),
                       .down = graph.add_weight(std::string(name) + ".down", {DType::kF32, {20, 8}})});
  const Value h = ops::rms_norm(x, gain, 1e-5);
  const Value gates = ops::route(h, router, {}, {.chosen = 2});
  graph.add_output(ops::select_rows(ops::add(x, ops::experts(h, gates, experts, 2, {})), rows));
  EXPECT_TRUE(narrow());
  EXPECT_THAT(to_text(graph), testing::HasSubstr(": f32[outputs, 3]"));  // the gates
}

// Of the last layer only attention sees all rows.
TEST(NarrowToOutputRows, OfADecoder) {
  Graph graph = test::small_decoder();
  const Value y{&graph, graph.outputs()[0]};
  const Value rows = graph.add_input("rows", {DType::kI32, {Dim::symbol("outputs")}});
  const Value selected = ops::select_rows(y, rows);
  graph.replace(y.id, selected.id);
  graph.node(graph.value(selected.id).producer).inputs[0] = y.id;  // replace() changed this reader too
  const Graph before = graph;
  EXPECT_TRUE(NarrowToOutputRows().run(graph));
  verify(graph);
  EXPECT_TRUE(test::agree(before, graph, 0, last_rows));
  int narrow_linears = 0, wide_linears = 0;
  for (NodeId id : graph.order())
    if (graph.node(id).op == &ops::kLinear) {
      const bool narrow = graph.value(graph.node(id).outputs[0]).type.shape[0] == Dim::symbol("outputs");
      ++(narrow ? narrow_linears : wide_linears);
    }
  EXPECT_EQ(narrow_linears, 4);                     // o, gate, up and down of the last layer
  EXPECT_EQ(wide_linears, 7 + 3);                   // the first layer, and q, k, v
  EXPECT_EQ(count_nodes(graph, "select_rows"), 2);  // of the attention and of the residual stream
}

}  // namespace
}  // namespace swiftlet
