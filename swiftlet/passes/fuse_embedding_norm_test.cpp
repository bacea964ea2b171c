#include "swiftlet/passes/fuse_embedding_norm.h"

#include "swiftlet/graph/print.h"
#include "swiftlet/graph/verify.h"
#include "swiftlet/ops/embedding.h"
#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace swiftlet {
namespace {

using test::count_nodes;

test::Inputs ids_of(const test::StepTables& step) {
  return {{"words", test::random_ids(step.tokens(), 50, 1)},
          {"types", test::random_ids(step.tokens(), 2, 2)},
          {"places", test::int_tensor(step.positions)}};
}

struct EmbeddingNormTest : testing::Test {
  Graph graph;
  Value gain = graph.add_weight("gain", {DType::kF32, {23}});
  Value bias = graph.add_weight("bias", {DType::kF32, {23}});

  Value look_up(const char* name, std::int64_t rows) {
    const Value ids = graph.add_input(name, {DType::kI32, {Dim::symbol("tokens")}});
    return ops::embedding(ids, graph.add_weight(std::string(name) + ".table", {DType::kF32, {rows, 23}}));
  }
  Value words = look_up("words", 50), types = look_up("types", 2), places = look_up("places", 20);
  // The sum is rounded as the additions do, so every bit stays.
  bool fuse() {
    const Graph before = graph;
    const bool changed = FuseEmbeddingNorm().run(graph);
    verify(graph);
    EXPECT_TRUE(test::agree(before, graph, 0, ids_of));
    EXPECT_TRUE(test::agree(graph, test::decomposed(graph), 0, ids_of));
    return changed;
  }
};

TEST_F(EmbeddingNormTest, ThreeTablesAndTheNormBecomeOne) {
  graph.add_output(ops::layer_norm(ops::add(ops::add(words, types), places), gain, bias, 1e-12).named("y"));
  EXPECT_TRUE(fuse());
  EXPECT_THAT(to_text(graph),
              testing::HasSubstr("= embedding_norm(@gain, @bias, $words, @words.table, $types, @types.table, "
                                 "$places, @places.table) {eps=1e-12} : f32[tokens, 23]  # y\n"));
  EXPECT_EQ(graph.order().size(), 1u);
  EXPECT_FALSE(fuse());
}

TEST_F(EmbeddingNormTest, TwoTablesWithoutBias) {
  graph.add_output(ops::layer_norm(ops::add(places, words), gain, {}, 1e-5));
  EXPECT_TRUE(fuse());
  EXPECT_EQ(count_nodes(graph, "embedding_norm"), 1);
}

TEST_F(EmbeddingNormTest, WhatOthersReadStays) {
  const Value sum = ops::add(words, types);
  graph.add_output(ops::layer_norm(ops::add(sum, places), gain, bias, 1e-5));
  graph.add_output(ops::scale(sum, 2));
  EXPECT_FALSE(fuse());
}

TEST_F(EmbeddingNormTest, OneTableOrAnotherSummandStays) {
  graph.add_output(ops::layer_norm(words, gain, bias, 1e-5));
  graph.add_output(ops::layer_norm(ops::add(types, ops::scale(places, 2)), gain, bias, 1e-5));
  EXPECT_FALSE(fuse());
}

TEST_F(EmbeddingNormTest, ManyRowsOnSeveralThreads) {
  graph.add_output(ops::layer_norm(ops::add(ops::add(words, types), places), gain, bias, 1e-12));
  test::GraphRunner plain(graph, test::as_built(), nullptr, 1);
  Graph fused = graph;
  ASSERT_TRUE(FuseEmbeddingNorm().run(fused));
  test::GraphRunner threads(fused, test::as_built(), nullptr, 3);
  test::StepTables step = test::ragged(std::vector<int>(10, 19));
  EXPECT_TRUE(test::same_bits(threads.run(step, ids_of(step))[0], plain.run(step, ids_of(step))[0]));
}

}  // namespace
}  // namespace swiftlet
