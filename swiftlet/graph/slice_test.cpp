#include "swiftlet/graph/slice.h"

#include "swiftlet/graph/print.h"
#include "swiftlet/graph/test_ops.h"
#include "swiftlet/graph/verify.h"

namespace swiftlet {
namespace {

using test::kSame;
using test::kSplit;
using test::row;

// x -> a -> (b, c) -> d = b + w, e = d + a -> e
struct SliceTest : testing::Test {
  Graph graph;
  Value x = graph.add_input("x", row(4));
  Value w = graph.add_weight("w", row(4));
  Value a = graph.add(kSame, {x})[0].named("a");
  std::vector<Value> split = graph.add(kSplit, {a});
  Value d = graph.add(kSame, {split[0], w})[0].named("d");
  Value e = graph.add(kSame, {d, a})[0].named("e");

  void SetUp() override { graph.add_output(e); }
  std::vector<std::string> names_across(std::size_t place) const {
    std::vector<std::string> names;
    for (const ValueId id : values_across(graph, place)) names.push_back(crossing_name(graph, id));
    return names;
  }
};

TEST_F(SliceTest, WhatCrossesIsWhatLaterNodesReadOfEarlierOnes) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(names_across(0), Names{});
  EXPECT_EQ(names_across(1), Names{"a"});
  EXPECT_EQ(names_across(2), (Names{fmt::format("%{}", split[0].id), "a"})) << "c is read by nobody";
  EXPECT_EQ(names_across(3), (Names{"d", "a"}));
  EXPECT_EQ(names_across(4), Names{"e"});
}

TEST_F(SliceTest, EarlierValuesBecomeInputsAndOutputsKeepTheirNames) {
  const ValueId outputs[] = {d.id, a.id};
  const Graph slice = slice_graph(graph, {2, 4}, outputs);
  verify(slice);
  EXPECT_EQ(to_text(slice),
            fmt::format("%2 = same($%{}, @w) : f32[tokens, 4]  # d\nreturn %2, $a\n", split[0].id))
      << "e is not needed, and a passes through";
  EXPECT_EQ(slice.value(slice.outputs()[0]).name, "d");
  EXPECT_EQ(slice.value(slice.outputs()[1]).kind, ValueKind::kInput);
}

TEST_F(SliceTest, AValueWithoutANameLeavesUnderItsNumber) {
  const ValueId outputs[] = {split[1].id};
  const Graph slice = slice_graph(graph, {1, 2}, outputs);
  verify(slice);
  EXPECT_EQ(slice.value(slice.outputs()[0]).name, fmt::format("%{}", split[1].id));
}

}  // namespace
}  // namespace swiftlet
