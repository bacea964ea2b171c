#include "swiftlet/compress/quantize/scale_site.h"

#include <gtest/gtest.h>

#include <map>

#include "swiftlet/compress/calibrate/test_samples.h"
#include "swiftlet/ops/linear.h"

namespace swiftlet {
namespace {

// Inputs of linears, by what carries their division.
struct Sites {
  int gains = 0, rows = 0;
};

// Divides every channel of every input that has a site, by factors from 1/2 to 2, and multiplies them in the
// matrices again.
Sites scale_all(const Graph& graph, WeightStore& weights) {
  Sites count;
  std::map<ValueId, bool> seen;
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (node.op != &ops::kLinear || !seen.emplace(node.inputs[0], true).second) continue;
    const auto site = find_scale_site(graph, node.inputs[0]);
    if (!site) continue;
    std::vector<float> s;
    for (const std::int64_t row : site->row) s.push_back(0.5f + 0.25f * static_cast<float>(row % 7));
    divide_at_site(*site, s, weights);
    for (const NodeId user : graph.users(node.inputs[0])) {
      const std::string& name = graph.value(graph.node(user).inputs[1]).name;
      weights.replace(with_scaled_columns(weights.get(name), s));
    }
    (weights.get(site->carrier).shape.rank() == 1 ? count.gains : count.rows)++;
  }
  return count;
}

// Matrices, or all weights, in f32: what is multiplied in bf16 rounds its inputs, and scaled ones elsewhere.
std::shared_ptr<WeightStore> weights_in_f32(const Checkpoint& checkpoint, const Graph& graph, bool vectors) {
  auto weights = std::make_shared<WeightStore>();
  for (const auto& [name, weight] : checkpoint.weights) {
    if (!graph.find(name)) continue;
    const bool kept = weight.shape.rank() == 1 && !vectors;
    const Weight rows = weight_from_tensor(name, Tensor::from(decode(weight), weight.shape));
    weights->add(kept ? weight : rows);
  }
  return weights;
}

// How far the output of a model moves.
double distance(const std::string& name, bool vectors_in_f32, Sites& sites) {
  const Checkpoint checkpoint = test::tiny_checkpoint(name);
  const models::BuiltModel built = models::build_model(checkpoint);
  const Samples samples = test::made_up_samples(built.vocab_size, 6);
  const auto weights = weights_in_f32(checkpoint, built.graph, vectors_in_f32);
  const std::vector<float> want = test::run_whole(built.graph, weights, samples);
  sites = scale_all(built.graph, *weights);
  return test::relative_distance(test::run_whole(built.graph, weights, samples), want);
}

constexpr double kTolerance = 2e-6;

struct Expected {
  const char* model;
  int gains, rows;
};

TEST(ScaleSite, MovesFactorsWithoutChangingTheModel) {
  const Expected models[] = {
      {"llama-tied", 6, 6},     // of a layer two norms; values before attention, up of the gate
      {"llama-grouped", 6, 6},  // heads that share values
      {"llama-bias", 6, 6},     // biases of what carries
      {"gemma2-caps", 6, 6},    // gains stored less by one
      {"bert-gelu", 0, 3},      // norms that residuals read too; GELU carries nothing
      {"opt-before", 4, 4},     // norms with biases; ReLU carries
      {"gpt2", 4, 0},           // values lie in one matrix with queries and keys
      {"phi3-window", 4, 0},    // gate and up too
      {"falcon-7b", 2, 0},      // one norm for both branches
      {"olmo", 0, 4},           // norms without gains
      {"albert", 1, 0},         // all layers share their weights; the norm of the embeddings is its own
  };
  for (const Expected& expected : models) {
    SCOPED_TRACE(expected.model);
    Sites sites;
    EXPECT_LT(distance(expected.model, true, sites), kTolerance);
    EXPECT_EQ(sites.gains, expected.gains);
    EXPECT_EQ(sites.rows, expected.rows);
  }
}

// A gain that is stored in bf16 takes what bf16 can hold; the factors follow it.
TEST(ScaleSite, CorrectsFactorsToWhatAGainCanHold) {
  for (const char* model : {"llama-bf16", "gemma2-caps"}) {
    Sites sites;
    EXPECT_LT(distance(model, false, sites), kTolerance) << model;
    EXPECT_GT(sites.gains, 0);
  }
}

}  // namespace
}  // namespace swiftlet
