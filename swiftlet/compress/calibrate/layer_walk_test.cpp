#include "swiftlet/compress/calibrate/layer_walk.h"

#include <gtest/gtest.h>

#include "swiftlet/compress/calibrate/test_samples.h"
#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

using test::all_weights;
using test::made_up_samples;
using test::tiny_checkpoint;

// The first weight that each range reads.
std::vector<std::string> first_weights(const Graph& graph) {
  std::vector<std::string> names;
  for (const NodeRange& range : layer_ranges(graph))
    for (const ValueId id : graph.node(graph.order()[range.begin]).inputs)
      if (id != kNoId && graph.value(id).kind == ValueKind::kWeight) {
        names.push_back(graph.value(id).name);
        break;
      }
  return names;
}

TEST(LayerRanges, BeginWhereAnotherLayerIsReadAndCoverAllNodes) {
  const auto built = models::build_model(tiny_checkpoint("llama-grouped"));
  const auto ranges = layer_ranges(built.graph);
  ASSERT_EQ(static_cast<std::int64_t>(ranges.size()), built.layers + 2) << "the embedding and the head";
  EXPECT_EQ(ranges.front().begin, 0u);
  for (std::size_t i = 1; i < ranges.size(); ++i) EXPECT_EQ(ranges[i].begin, ranges[i - 1].end);
  EXPECT_EQ(ranges.back().end, built.graph.order().size());
  EXPECT_EQ(first_weights(built.graph),
            (std::vector<std::string>{"model.embed_tokens.weight", "model.layers.0.input_layernorm.weight",
                                      "model.layers.1.input_layernorm.weight",
                                      "model.layers.2.input_layernorm.weight", "model.norm.weight"}));
}

// Values of the last node, whole: by the walk, and by the graph in one piece.
TEST(LayerWalk, GivesWhatTheWholeModelGives) {
  for (const char* name : {"llama-grouped", "gpt2", "gemma2-caps", "qwen3-moe", "bert-gelu", "deberta-v3",
                           "albert", "modernbert", "phi-parallel"}) {
    const Checkpoint checkpoint = tiny_checkpoint(name);
    const auto built = models::build_model(checkpoint);
    const auto weights = all_weights(checkpoint, built.graph);
    const Samples samples = made_up_samples(built.vocab_size, 5);
    const auto pool = std::make_shared<ThreadPool>(2);
    LayerWalk walk(built.graph, samples, pool);
    const std::vector<ValueId> last{built.graph.outputs().back()};
    std::vector<float> got;
    for (std::size_t layer = 0; layer + 1 < walk.ranges().size(); ++layer) walk.advance(layer, weights, {});
    walk.look(walk.ranges().size() - 1, weights, last,
              [&](std::size_t, const float* rows, std::int64_t count, std::int64_t width) {
                got.insert(got.end(), rows, rows + count * width);
              },
              {});
    const std::vector<float> want = test::run_whole(built.graph, weights, samples);
    ASSERT_EQ(got.size(), want.size()) << name;
    // The same kernels, but nothing is fused across the cuts.
    EXPECT_LT(test::relative_distance(got, want), 1e-5) << name;
  }
}

TEST(LayerWalk, ShowsTheInputsOfALayer) {
  const Checkpoint checkpoint = tiny_checkpoint("bert-gelu");
  const auto built = models::build_model(checkpoint);
  const auto weights = all_weights(checkpoint, built.graph);
  const Samples samples = made_up_samples(built.vocab_size, 5);
  LayerWalk walk(built.graph, samples, std::make_shared<ThreadPool>(1));
  walk.advance(0, weights, {});
  // hidden.0 crosses into the first layer: what its linears read is no value of the layer's own.
  const auto hidden = built.graph.find("hidden.0");
  ASSERT_TRUE(hidden.has_value());
  std::int64_t rows = 0;
  walk.look(1, weights, {*hidden},
            [&](std::size_t tap, const float*, std::int64_t count, std::int64_t width) {
              EXPECT_EQ(tap, 0u);
              EXPECT_EQ(width, built.hidden_size);
              rows += count;
            },
            {});
  EXPECT_EQ(rows, samples.tokens);
}

TEST(LayerWalk, EndsWhenTheJobIsCancelled) {
  const Checkpoint checkpoint = tiny_checkpoint("llama-grouped");
  const auto built = models::build_model(checkpoint);
  const Samples samples = made_up_samples(built.vocab_size, 5);
  LayerWalk walk(built.graph, samples, std::make_shared<ThreadPool>(1));
  Job job;
  job.cancel();
  EXPECT_THROW(walk.advance(0, all_weights(checkpoint, built.graph), job), Error);
}

}  // namespace
}  // namespace swiftlet
