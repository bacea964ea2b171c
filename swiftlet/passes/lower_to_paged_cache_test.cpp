// The paged graph, fed step by step, against the pure graph over the whole sequences.
#include "swiftlet/passes/lower_to_paged_cache.h"

#include "swiftlet/graph/print.h"
#include "swiftlet/graph/verify.h"
#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace swiftlet {
namespace {

using test::GraphRunner;
using test::rows_of;
using Lengths = std::vector<int>;

TEST(LowerToPagedCache, CausalAttentionReadsAnExplicitState) {
  Graph graph;
  const test::SmallModel model{.heads = 1, .kv_heads = 1, .head_dim = 4};
  const Value q = graph.add_input("q", {DType::kF32, {Dim::symbol("tokens"), 4}});
  const Value a = ops::attention(q, q, q, model.attention(true)).named("a");
  graph.add_output(ops::attention(a, a, a, model.attention(false)));
  EXPECT_TRUE(LowerToPagedCache().run(graph));
  verify(graph);
  const std::string spec =
      "alibi=false, causal=true, head_dim=4, heads=1, kv_heads=1, log_sum_exp=false, relative_bias=0, "
      "scale=0.5, sinks=false, soft_cap=0, value_dim=4, window=0";
  const std::string text = to_text(graph);
  EXPECT_THAT(text, testing::StartsWith("%4 = cache_append($q, $q, $cache.0) {" + spec + "} : u8[]"));
  EXPECT_THAT(text, testing::HasSubstr("%5 = attention_paged($q, %4, -, -, -) {" + spec +
                                       "} : f32[tokens, 4]  # a\n"));
  EXPECT_THAT(text, testing::HasSubstr("= attention(%5, %5, %5, -, -, -)"));  // not causal: stays pure
  EXPECT_EQ(graph.value(5).name, "a");
  EXPECT_FALSE(LowerToPagedCache().run(graph));
}

TEST(LowerToPagedCache, OneStateForEachLayer) {
  Graph graph = test::small_decoder({.layers = 3});
  EXPECT_TRUE(LowerToPagedCache().run(graph));
  verify(graph);
  for (const char* name : {"cache.0", "cache.1", "cache.2"})
    EXPECT_TRUE(graph.find(name).has_value()) << name;
  EXPECT_EQ(test::count_nodes(graph, "attention"), 0);
  Graph encoder = test::small_encoder();
  EXPECT_FALSE(LowerToPagedCache().run(encoder));
}

// Runs the sequences whole through `graph`, then in these steps through its paged form with shuffled blocks.
void expect_equal_to_whole(const Graph& graph, std::int64_t width, const std::vector<Lengths>& steps) {
  Lengths whole(steps[0].size(), 0);
  for (const Lengths& step : steps)
    for (std::size_t s = 0; s < step.size(); ++s) whole[s] += step[s];
  std::vector<Tensor> inputs, expected;
  for (std::size_t s = 0; s < whole.size(); ++s)
    inputs.push_back(test::random_tensor({whole[s], width}, 10 + s));

  GraphRunner pure(graph);
  const Tensor all = pure.run(test::ragged(whole), {{"x", test::stack_rows(inputs)}})[0];
  for (std::int64_t s = 0, at = 0; s < static_cast<std::int64_t>(whole.size()); at += whole[s++])
    expected.push_back(rows_of(all, at, at + whole[s]));

  Graph paged = graph;
  ASSERT_TRUE(LowerToPagedCache().run(paged));
  verify(paged);
  GraphRunner runner(paged);
  test::TestCache cache(runner.program(), static_cast<int>(whole.size()), 256);
  Lengths done(whole.size(), 0);
  for (const Lengths& lengths : steps) {
    std::vector<Tensor> x, y;
    for (std::size_t s = 0; s < lengths.size(); ++s) {
      x.push_back(rows_of(inputs[s], done[s], done[s] + lengths[s]));
      y.push_back(rows_of(expected[s], done[s], done[s] + lengths[s]));
      done[s] += lengths[s];
    }
    const Tensor output = runner.run(cache.step(lengths), {{"x", test::stack_rows(x)}})[0];
    ASSERT_TRUE(test::close(output, test::stack_rows(y), 0))
        << "step " << testing::PrintToString(lengths) << " up to " << testing::PrintToString(done);
  }
}

TEST(LowerToPagedCache, PrefillAndDecodeEqualTheWholeBitForBit) {
  expect_equal_to_whole(test::small_decoder(), 32,
                        {{5, 40, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}});
}

TEST(LowerToPagedCache, ChunksAndMixedStepsEqualTheWholeBitForBit) {
  // Prompts in chunks beside decoding, sequences that pause, blocks that fill up exactly.
  expect_equal_to_whole(test::small_decoder(), 32,
                        {{7, 0, 32}, {1, 30, 1}, {1, 2, 0}, {0, 1, 31}, {33, 1, 1}, {1, 1, 1}});
}

TEST(LowerToPagedCache, EveryKindOfAttentionEqualsTheWholeBitForBit) {
  Graph graph;
  const Value x = graph.add_input("x", {DType::kF32, {Dim::symbol("tokens"), 24}});
  // 4 query heads on 2 key/value heads, sizes of their own for keys and values.
  const auto project = [&](const char* name, std::int64_t n) {
    return ops::linear(x, graph.add_weight(name, {DType::kF32, {n, 24}}));
  };
  ops::AttentionSpec spec{
      .heads = 4, .kv_heads = 2, .head_dim = 6, .value_dim = 10, .scale = 0.4f, .causal = true};
  spec.window = 37;
  spec.soft_cap = 3;
  spec.sinks = spec.alibi = spec.log_sum_exp = true;
  spec.relative_bias = kernels::RelativeBias::kT5;
  const auto outputs = graph.add(
      ops::kAttention,
      {project("q", 24), project("k", 12), project("v", 20), graph.add_weight("sinks", {DType::kF32, {4}}),
       graph.add_weight("slopes", {DType::kF32, {4}}), graph.add_constant(test::random_tensor({4, 31}, 3))},
      ops::to_attributes(spec));
  graph.add_output(outputs[0]);
  graph.add_output(outputs[1]);
  expect_equal_to_whole(graph, 24, {{50, 3, 33}, {1, 1, 1}, {2, 40, 0}, {1, 1, 1}});
}

TEST(LowerToPagedCache, ACacheInFewerBitsIsNear) {
  Graph graph = test::small_decoder();
  GraphRunner pure(graph);
  const Tensor x = test::random_tensor({45, 32}, 1);
  const Tensor expected = pure.run(test::ragged({45}), {{"x", x}})[0];
  LowerToPagedCache().run(graph);
  GraphRunner paged(graph);
  for (const DType dtype : {DType::kBF16, DType::kI8}) {
    SCOPED_TRACE(dtype_name(dtype));
    test::TestCache cache(paged.program(), 1, 64, dtype);
    paged.run(cache.step({44}), {{"x", rows_of(x, 0, 44)}});
    const Tensor last = paged.run(cache.step({1}), {{"x", rows_of(x, 44, 45)}})[0];
    EXPECT_TRUE(test::close(last, rows_of(expected, 44, 45), 2e-2));
    EXPECT_FALSE(test::same_bits(last, rows_of(expected, 44, 45)));
  }
}

}  // namespace
}  // namespace swiftlet
