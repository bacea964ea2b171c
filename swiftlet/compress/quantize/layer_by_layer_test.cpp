#include "swiftlet/compress/quantize/layer_by_layer.h"

#include <gtest/gtest.h>

#include "swiftlet/compress/calibrate/test_samples.h"
#include "swiftlet/compress/prune/magnitude.h"
#include "swiftlet/compress/prune/scores.h"
#include "swiftlet/compress/quantize/round_to_nearest.h"

namespace swiftlet {
namespace {

using Weights = std::shared_ptr<WeightStore>;

struct Model {
  Checkpoint checkpoint;
  models::BuiltModel built;
  Samples samples;

  explicit Model(const std::string& name)
      : checkpoint(test::tiny_checkpoint(name)),
        built(models::build_model(checkpoint)),
        samples(test::made_up_samples(built.vocab_size, 40)) {}
  Weights weights() const { return test::all_weights(checkpoint, built.graph); }
  std::vector<PlannedWeight> planned(const Plan& plan) const {
    return in_order_of_layers(plan, resolve_plan(plan, built, checkpoint), built.graph);
  }
  std::vector<float> output(const Weights& weights) const {
    return test::run_whole(built.graph, weights, samples);
  }
};

const Plan kPlan{.method = parse_method("gptq"),
                 .weights = {Format::kInt4, 32, true},
                 .embeddings = {Format::kF32, 0, false},
                 .arithmetic = Arithmetic::kF32};

// Encoders, experts, shared layers, tied and fused matrices: whatever a graph holds. On what it was
// calibrated with, a calibrated model is nearer to the original than a rounded one.
TEST(QuantizeByLayers, TakesEveryKindOfModel) {
  for (const char* name : {"llama-tied", "gpt2", "phi3-window", "qwen3-moe", "bert-mlm", "albert",
                           "deberta-v3", "modernbert", "falcon-7b", "gemma2-caps"}) {
    const Model model(name);
    const auto planned = model.planned(kPlan);
    const Weights calibrated = model.weights(), rounded = model.weights();
    const auto pool = std::make_shared<ThreadPool>(2);
    std::size_t taken = 0;
    std::int64_t by_method = 0;
    quantize_by_layers(
        model.checkpoint, model.built.graph, kPlan, planned, model.samples, pool,
        [&](const PlannedWeight& plan, const Weight& before, const QuantizedWeight& after) {
          EXPECT_EQ(plan.name, planned[taken++].name) << "in the order of the plan";
          EXPECT_EQ(after.weight.encoding, plan.change ? plan.encoding : before.encoding) << plan.name;
          by_method += plan.change && plan.note.empty();
          calibrated->replace(after.weight);
          if (plan.change)
            rounded->replace(round_to_nearest(before, plan.encoding, plan.arithmetic, *pool).weight);
        },
        {});
    EXPECT_EQ(taken, planned.size()) << name;
    EXPECT_GT(by_method, 0) << name;
    const std::vector<float> want = model.output(model.weights());
    EXPECT_LT(test::relative_distance(model.output(calibrated), want),
              test::relative_distance(model.output(rounded), want))
        << name;
  }
}

Plan pruning(const char* pattern, PruneMethod method) {
  return {.weights = {Format::kF32},
          .embeddings = {Format::kF32},
          .arithmetic = Arithmetic::kF32,
          .prune = Pruning{parse_prune_pattern(pattern), method}};
}

// What half the weights give that SparseGPT leaves is nearer to the original than what the largest half
// gives.
TEST(PruneByLayers, TakesEveryKindOfModel) {
  for (const char* name : {"llama-tied", "gpt2", "phi3-window", "qwen3-moe", "bert-mlm", "albert",
                           "deberta-v3", "modernbert", "falcon-7b", "gemma2-caps"}) {
    const Model model(name);
    const std::vector<float> want = model.output(model.weights());
    const auto pool = std::make_shared<ThreadPool>(2);
    const Weights largest = model.weights();
    for (const PruneMethod method : {PruneMethod::kWanda, PruneMethod::kSparseGpt}) {
      const Plan plan = pruning("50%", method);
      const Weights calibrated = model.weights();
      std::int64_t pruned = 0;
      quantize_by_layers(
          model.checkpoint, model.built.graph, plan, model.planned(plan), model.samples, pool,
          [&](const PlannedWeight& planned, const Weight& before, const QuantizedWeight& after) {
            calibrated->replace(after.weight);
            if (!planned.prune) return;
            ++pruned;
            EXPECT_EQ(planned.note, "");
            EXPECT_NEAR(share_of_zeros(after.weight, *pool), 0.5, 0.02) << planned.name;
            largest->replace(with_zeros(before, magnitude_mask(plan.prune->pattern, before, *pool), *pool));
          },
          {});
      EXPECT_GT(pruned, 3) << name;
      if (method != PruneMethod::kSparseGpt) continue;
      EXPECT_LT(test::relative_distance(model.output(calibrated), want),
                test::relative_distance(model.output(largest), want))
          << name;
    }
  }
}

TEST(PruneByLayers, WhatNoLinearReadsFirstIsNotPrunedAndNoted) {
  const Model model("qwen3-moe");
  const auto notes_of = [&](Plan plan, Method method) {
    plan.method = method;
    plan.weights = {Format::kInt4, 32, false};
    std::map<std::string, std::string> notes;
    for (const PlannedWeight& weight : model.planned(plan)) {
      const bool expert = weight.name.find(".experts.") != std::string::npos;
      if (!weight.change) continue;
      if (weight.name == "model.embed_tokens.weight") notes["table"] = weight.note;
      if (expert) notes[weight.prune ? "pruned expert" : "expert"] = weight.note;
    }
    return notes;
  };
  using Notes = std::map<std::string, std::string>;
  const std::string rounded = "rounded to nearest: no linear layer reads it first";
  const std::string kept = "not pruned: no linear layer reads it first";
  EXPECT_EQ(notes_of(pruning("50%", PruneMethod::kWanda), Method{}),
            (Notes{{"table", "not pruned: a table"}, {"expert", kept}}));
  EXPECT_EQ(notes_of(pruning("50%", PruneMethod::kSparseGpt), parse_method("gptq")),
            (Notes{{"table", "not pruned: a table; " + rounded}, {"expert", rounded + "; " + kept}}));
  EXPECT_EQ(notes_of(pruning("50%", PruneMethod::kMagnitude), parse_method("gptq")),
            (Notes{{"table", "not pruned: a table; " + rounded}, {"pruned expert", rounded}}));
}

TEST(PruneByLayers, GivesTheSameOnAnyNumberOfThreads) {
  const Model model("llama-grouped");
  for (const Method method : {Method{}, parse_method("gptq")})
    for (const PruneMethod by : {PruneMethod::kMagnitude, PruneMethod::kWanda, PruneMethod::kSparseGpt}) {
      Plan plan = pruning("2:4", by);
      plan.method = method;
      plan.weights = {Format::kInt8, 0, false};
      if (!needs_calibration(plan)) continue;
      const auto codes = [&](int threads) {
        std::vector<std::vector<float>> values;
        quantize_by_layers(model.checkpoint, model.built.graph, plan, model.planned(plan), model.samples,
                           std::make_shared<ThreadPool>(threads),
                           [&](const PlannedWeight&, const Weight&, const QuantizedWeight& after) {
                             values.push_back(decode(after.weight));
                           },
                           {});
        return values;
      };
      EXPECT_EQ(codes(1), codes(2)) << to_string(method) << " " << to_string(by);
    }
}

TEST(QuantizeByLayers, WhatNoLinearReadsFirstIsNoted) {
  const Model model("qwen3-moe");
  bool experts = false;
  for (const PlannedWeight& weight : model.planned(kPlan)) {
    if (!weight.change) continue;
    const bool expert = weight.name.find(".experts.") != std::string::npos;
    const bool table = weight.name == "model.embed_tokens.weight";
    EXPECT_EQ(weight.note.empty(), !expert && !table) << weight.name << ": " << weight.note;
    experts = experts || expert;
  }
  EXPECT_TRUE(experts);
}

// Scaled channels, searched scales and error feedback together, with activations of 8 bits and without.
TEST(QuantizeByLayers, StepsOfAMethodAddUp) {
  const std::pair<const char*, Arithmetic> models[] = {{"llama-grouped", Arithmetic::kF32},
                                                       {"opt-before", Arithmetic::kInt8},
                                                       {"bert-gelu", Arithmetic::kInt8}};
  for (const auto& [name, arithmetic] : models) {
    const Model model(name);
    const std::vector<float> want = model.output(model.weights());
    const auto distance = [&, activations = arithmetic](const char* method) {
      Plan plan = kPlan;
      plan.method = parse_method(method);
      plan.arithmetic = activations;
      const Weights weights = model.weights();
      quantize_by_layers(model.checkpoint, model.built.graph, plan, model.planned(plan), model.samples,
                         std::make_shared<ThreadPool>(2),
                         [&](const PlannedWeight&, const Weight&, const QuantizedWeight& after) {
                           weights->replace(after.weight);
                         },
                         {});
      return test::relative_distance(model.output(weights), want);
    };
    const double nearest = distance("rtn");
    for (const char* method : {"clip", "awq", "smoothquant"})
      EXPECT_LT(distance(method), 1.02 * nearest) << name << ", " << method;
    EXPECT_LT(distance("awq+gptq"), 0.9 * nearest) << name;
  }
}

TEST(QuantizeByLayers, GivesTheSameOnAnyNumberOfThreads) {
  const Model model("llama-grouped");
  Plan plan = kPlan;
  plan.method = parse_method("awq+gptq");
  const auto codes = [&](int threads) {
    std::vector<std::vector<float>> values;
    quantize_by_layers(model.checkpoint, model.built.graph, plan, model.planned(plan), model.samples,
                       std::make_shared<ThreadPool>(threads),
                       [&](const PlannedWeight&, const Weight&, const QuantizedWeight& after) {
                         values.push_back(decode(after.weight));
                       },
                       {});
    return values;
  };
  EXPECT_EQ(codes(1), codes(2));
}

}  // namespace
}  // namespace swiftlet
