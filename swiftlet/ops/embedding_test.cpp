#include "swiftlet/ops/embedding.h"

#include "swiftlet/graph/test_ops.h"
#include "tests/support/run_graph.h"

namespace swiftlet::ops {
namespace {

using test::error_of;
using test::int_tensor;

const Dim kTokens = Dim::symbol("tokens");

struct EmbeddingTest : testing::Test {
  Graph graph;
  Value ids = graph.add_input("ids", {DType::kI32, {kTokens}});
  Value table = graph.add_weight("table", {DType::kF32, {50, 11}});
  std::vector<std::int32_t> chosen{3, 49, 0, 17, 3, 16};
  test::StepTables step = test::ragged({4, 2});
};

TEST_F(EmbeddingTest, TakesRowsOfATableInAnyEncoding) {
  graph.add_output(embedding(ids, table));
  const auto source = test::random_weights(graph);
  for (const char* name : {"f32", "f16", "bf16", "int8", "int4-g8", "int4-g4-asym"}) {
    auto weights = std::make_shared<WeightStore>();
    weights->add(encode(source->get("table"), *parse_encoding(name)));
    std::vector<double> expected;
    for (std::int32_t id : chosen) {
      std::vector<float> row(11);
      decode_row(weights->get("table"), id, row.data());
      expected.insert(expected.end(), row.begin(), row.end());
    }
    SCOPED_TRACE(name);
    test::expect_outputs(graph, step, {{"ids", int_tensor(chosen)}}, {test::tensor_of({6, 11}, expected)}, 0,
                         weights);
  }
}

TEST_F(EmbeddingTest, ReadsATableAsItIsStored) {
  graph.add_output(embedding(ids, table));
  test::GraphRunner runner(graph);
  runner.run(step, {{"ids", int_tensor(chosen)}});
  EXPECT_EQ(runner.weights()->packed_bytes(), 0);
}

TEST_F(EmbeddingTest, IdsOfAnyShape) {
  const Value pairs = graph.add_input("pairs", {DType::kI32, {kTokens, 2}});
  EXPECT_EQ(embedding(pairs, table).type().to_string(), "f32[tokens, 2, 11]");
}

TEST_F(EmbeddingTest, RejectsWhatDoesNotFit) {
  const Value floats = graph.add_input("floats", {DType::kF32, {kTokens}});
  EXPECT_EQ(error_of([&] { embedding(floats, table); }),
            "[embedding.0 (embedding)] ids must be i32, are f32[tokens]");
  EXPECT_EQ(error_of([&] {
              embedding(ids, graph.add_weight("v", {DType::kF32, {50}}));
            }),
            "[embedding.0 (embedding)] the table must have 2 dimensions, is f32[50]");
}

TEST_F(EmbeddingTest, CostIsThatOfTheRowsNotOfTheTable) {
  EXPECT_EQ(test::cost_of(embedding(ids, table), 10).bytes, 2 * 4 * 10 * 11);
}

}  // namespace
}  // namespace swiftlet::ops
