#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "swiftlet/core/error.h"
#include "swiftlet/graph/print.h"
#include "swiftlet/models/family.h"
#include "swiftlet/models/rope_config.h"

namespace swiftlet::models {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

fs::path tiny(const std::string& name, const char* place = "models") {
  return fs::path(SWIFTLET_SOURCE_DIR) / "tests/data" / place / name;
}

// The checkpoint with some keys of its config replaced; null takes a key away.
Checkpoint with(const std::string& name, const nlohmann::json& changes, const char* place = "models") {
  Checkpoint checkpoint = load_checkpoint(tiny(name, place));
  nlohmann::json config = checkpoint.config.json();
  config.update(changes);
  checkpoint.config = Config::parse(config.dump(), "config.json");
  return checkpoint;
}

std::string error_of(const Checkpoint& checkpoint) {
  try {
    build_model(checkpoint);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Registry, AnUnknownFamilyIsAnErrorThatListsTheKnown) {
  const std::string message = error_of(with("llama-tied", {{"model_type", "rwkv"}}));
  for (const auto known : known_families()) EXPECT_THAT(message, HasSubstr(std::string(known)));
  EXPECT_THAT(message, HasSubstr("[config.json: model_type] 'rwkv' is not available"));
}

TEST(Registry, TheDocumentIsThatOfTheRegistry) {
  const fs::path path = fs::path(SWIFTLET_SOURCE_DIR) / "docs/models.md";
  if (std::getenv("SWIFTLET_UPDATE_DOCS") != nullptr) std::ofstream(path) << models_markdown();
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text, models_markdown()) << "make it anew with SWIFTLET_UPDATE_DOCS=1";
}

TEST(Registry, NoKeyOfATinyCheckpointIsUnknown) {
  for (const char* place : {"models", "heads"})
    for (const auto& entry : fs::directory_iterator(tiny("", place))) {
      if (!entry.is_directory()) continue;
      const BuiltModel model = build_model(load_checkpoint(entry.path()));
      EXPECT_THAT(model.unknown_keys, testing::IsEmpty()) << entry.path();
    }
}

TEST(Registry, AKeyThatNobodyReadsIsTold) {
  const auto model = build_model(with("llama-tied", {{"mystery", 3}, {"attention_dropout", 0.1}}));
  EXPECT_THAT(model.unknown_keys, testing::ElementsAre("mystery"));
}

TEST(Registry, TheHeadIsThatOfTheConfig) {
  const auto head = [](const char* name, const nlohmann::json& changes = nlohmann::json::object()) {
    return *build_model(with(name, changes, "heads")).head;
  };
  EXPECT_EQ(head("bert-masked").task, Task::kMaskedLm);
  EXPECT_EQ(head("bert-question").task, Task::kQuestion);
  EXPECT_EQ(head("bert-choice").task, Task::kChoice);
  EXPECT_EQ(head("llama-sequence").task, Task::kSequence);
  EXPECT_EQ(head("bert-sequence").problem, Problem::kSingleLabel);
  EXPECT_EQ(head("bert-one-label").problem, Problem::kMultiLabel);
  EXPECT_EQ(head("bert-one-label", {{"problem_type", "regression"}}).problem, Problem::kRegression);
  EXPECT_THAT(head("bert-sequence").labels, testing::ElementsAre("LABEL_0", "LABEL_1", "LABEL_2"));
  EXPECT_THAT(head("bert-sequence", {{"id2label", {{"0", "no"}, {"1", "yes"}, {"2", 7}}}}).labels,
              testing::ElementsAre("no", "yes", "7"));
}

TEST(Registry, AHeadThatIsNotKnownIsKeptByName) {
  const BuiltModel model =
      build_model(with("bert-sequence", {{"architectures", {"BertForNextSentencePrediction"}}}, "heads"));
  EXPECT_FALSE(model.head);
  EXPECT_EQ(model.unknown_head, "BertForNextSentencePrediction");
  EXPECT_EQ(build_model(load_checkpoint(tiny("bert-gelu"))).unknown_head, "");
}

TEST(Registry, HeadsMustFitTheirWeights) {
  const auto contradiction = [](const char* name, const nlohmann::json& changes) {
    return error_of(with(name, changes, "heads"));
  };
  EXPECT_THAT(contradiction("bert-sequence", {{"id2label", {{"0", "a"}, {"1", "b"}}}}),
              HasSubstr("classifier.weight] has shape [3, 16], the config asks for [2, 16]"));
  EXPECT_THAT(contradiction("bert-sequence", {{"id2label", {{"0", "a"}, {"2", "b"}}}}),
              HasSubstr("[config.json: id2label] has 2 labels and none numbered 1"));
  EXPECT_THAT(contradiction("bert-sequence", {{"problem_type", "ranking"}}),
              HasSubstr("problem_type] 'ranking' is not known; known are single_label_classification"));
  EXPECT_THAT(contradiction("bert-token", {{"architectures", {"BertForQuestionAnswering"}}}),
              HasSubstr("[qa_outputs.weight] the checkpoint has no weight of this name"));
  EXPECT_THAT(contradiction("electra-choice", {{"summary_type", "cls_index"}}),
              HasSubstr("summary_type] 'cls_index' is not available; known are first, mean, last"));
  EXPECT_THAT(contradiction("modernbert-sequence", {{"classifier_pooling", "max"}}),
              HasSubstr("classifier_pooling] 'max' is not available, only cls and mean"));
}

TEST(Registry, MixturesMustFitTheirWeights) {
  const auto contradiction = [](const char* name, const nlohmann::json& changes) {
    return error_of(with(name, changes));
  };
  EXPECT_THAT(contradiction("mixtral", {{"num_experts_per_tok", 5}}),
              HasSubstr("[config.json: num_experts_per_tok] expected an integer from 1 to 4, got 5"));
  EXPECT_THAT(contradiction("mixtral", {{"num_experts_per_tok", 0}}), HasSubstr("from 1 to 4, got 0"));
  EXPECT_THAT(
      contradiction("mixtral", {{"num_local_experts", 1000000000}}),
      HasSubstr("[config.json: num_local_experts] expected an integer from 1 to 4096, got 1000000000"));
  EXPECT_THAT(contradiction("mixtral", {{"num_local_experts", 5}}),
              HasSubstr("block_sparse_moe.gate.weight] has shape [4, 32], the config asks for [5, 32]"));
  EXPECT_THAT(contradiction("qwen3-moe", {{"moe_intermediate_size", 21}}),
              HasSubstr("experts.0.gate_proj.weight] has shape [20, 32], the config asks for [21, 32]"));
  EXPECT_THAT(contradiction("qwen2-moe", {{"shared_expert_intermediate_size", 23}}),
              HasSubstr("shared_expert.gate_proj.weight] has shape [24, 32], the config asks for [23, 32]"));
  EXPECT_THAT(contradiction("qwen3-moe", {{"decoder_sparse_step", 2}}),
              HasSubstr("layers.0.mlp.gate_proj.weight] the checkpoint has no weight of this name"));
  Checkpoint checkpoint = load_checkpoint(tiny("qwen3-moe"));
  checkpoint.weights.erase("model.layers.1.mlp.experts.5.down_proj.weight");
  EXPECT_THAT(
      error_of(checkpoint),
      HasSubstr("[model.layers.1.mlp.experts.5.down_proj.weight] the checkpoint has no weight of this"));
}

// Numbers that contradict the weights are errors that tell both.
TEST(Registry, ConfigAndWeightsMustAgree) {
  const auto contradiction = [](const char* key, int value, const char* model = "qwen2-full") {
    return error_of(with(model, {{key, value}}));
  };
  EXPECT_THAT(
      contradiction("intermediate_size", 40),
      HasSubstr("[model.layers.0.mlp.gate_proj.weight] has shape [48, 32], the config asks for [40, 32]"));
  EXPECT_THAT(contradiction("vocab_size", 95), HasSubstr("[96, 32], the config asks for [95, 32]"));
  EXPECT_THAT(contradiction("hidden_size", 64), HasSubstr("[96, 32], the config asks for [96, 64]"));
  EXPECT_THAT(contradiction("num_key_value_heads", 1),
              HasSubstr("k_proj.weight] has shape [16, 32], the config asks for [8, 32]"));
  EXPECT_THAT(contradiction("num_attention_heads", 2),
              HasSubstr("k_proj.weight] has shape [16, 32], the config asks for [32, 32]"));
  EXPECT_THAT(contradiction("num_hidden_layers", 4, "llama-tied"),
              HasSubstr("model.layers.3.input_layernorm.weight] the checkpoint has no"));
  EXPECT_THAT(contradiction("intermediate_size", 40, "phi3-window"),
              HasSubstr("gate_up_proj.weight] has shape [96, 32], the config asks for [80, 32]"));
  EXPECT_THAT(contradiction("intermediate_size", 95, "bert-gelu"),
              HasSubstr("intermediate.dense.weight] has shape [96, 40], the config asks for [95, 40]"));
  EXPECT_THAT(contradiction("head_dim", 16, "qwen3-heads"),
              HasSubstr("q_proj.weight] has shape [48, 32], the config asks for [64, 32]"));
}

TEST(Registry, NomicBertsConfigHasTwoForms) {
  const nlohmann::json published{{"n_embd", 32},
                                 {"n_head", 4},
                                 {"n_inner", 48},
                                 {"n_layer", 2},
                                 {"n_positions", 64},
                                 {"activation_function", "swiglu"},
                                 {"layer_norm_epsilon", 1e-12},
                                 {"rotary_emb_base", 1000},
                                 {"rope_parameters", nullptr},
                                 {"hidden_size", nullptr},
                                 {"num_attention_heads", nullptr},
                                 {"intermediate_size", nullptr},
                                 {"num_hidden_layers", nullptr},
                                 {"max_position_embeddings", nullptr},
                                 {"hidden_act", nullptr},
                                 {"layer_norm_eps", nullptr}};
  EXPECT_EQ(to_text(build_model(with("nomic-bert", published)).graph),
            to_text(build_model(load_checkpoint(tiny("nomic-bert"))).graph));
}

TEST(Registry, WhatIsNotBuiltIsAnErrorThatNamesTheKey) {
  const auto refused = [](const char* model, const nlohmann::json& changes) {
    return error_of(with(model, changes));
  };
  EXPECT_THAT(refused("gemma-one", {{"use_bidirectional_attention", true}}),
              HasSubstr("config.json: use_bidirectional_attention] true is not available, only false"));
  EXPECT_THAT(refused("gemma3-text", {{"attn_logit_softcapping", 50.0}}),
              HasSubstr("attn_logit_softcapping"));
  EXPECT_THAT(refused("gemma2-caps", {{"layer_types", {"a", "b", "c"}}}),
              HasSubstr("layer_types] 'a' is not"));
  EXPECT_THAT(refused("gemma2-caps", {{"layer_types", {"full_attention"}}}),
              HasSubstr("has 1 entries for 3 layers"));
  EXPECT_THAT(refused("smollm3-no-rope", {{"no_rope_layers", {1}}}),
              HasSubstr("no_rope_layers] has 1 entries"));
  EXPECT_THAT(refused("phi3-longrope", {{"partial_rotary_factor", 0.5}}),
              HasSubstr("short_factor] expected 2 numbers"));
  EXPECT_THAT(
      refused("phi3-longrope", {{"rope_scaling", {{"type", "longrope"}, {"short_factor", {1, 1, 1}}}}}),
      HasSubstr("long_factor] expected 3 numbers"));
  EXPECT_THAT(refused("gpt2", {{"add_cross_attention", true}}),
              HasSubstr("add_cross_attention] true is not"));
  EXPECT_THAT(refused("gpt2", {{"n_head", 3}}), HasSubstr("n_head] 3 does not divide the width 32"));
  EXPECT_THAT(refused("falcon-40b", {{"parallel_attn", false}}), HasSubstr("parallel_attn] false is not"));
  EXPECT_THAT(refused("mpt", {{"attn_config", {{"clip_qkv", -1}}}}), HasSubstr("attn_config: clip_qkv]"));
  EXPECT_THAT(refused("olmoe", {{"clip_qkv", "much"}}), HasSubstr("clip_qkv] expected"));
  EXPECT_THAT(refused("mpt", {{"norm_type", "rmsnorm"}}), HasSubstr("norm_type] 'rmsnorm' is not"));
  EXPECT_THAT(refused("mpt", {{"attn_config", {{"attn_type", "multiquery_attention"}}}}),
              HasSubstr("attn_type] 'multiquery_attention' is not"));
  EXPECT_THAT(refused("bert-gelu", {{"position_embedding_type", "relative_key"}}),
              HasSubstr("position_embedding_type] 'relative_key' is not"));
  EXPECT_THAT(refused("bert-gelu", {{"is_decoder", true}}), HasSubstr("is_decoder] true is not"));
  EXPECT_THAT(refused("roberta", {{"pad_token_id", 63}}), HasSubstr("64 leaves no position"));
  EXPECT_THAT(refused("mpnet", {{"relative_attention_num_buckets", 16}}),
              HasSubstr("num_buckets] 16 is not"));
  EXPECT_THAT(
      refused("deberta-v3", {{"attention_head_size", 16}}),
      HasSubstr("attention_head_size] 16 is not available, only hidden_size / num_attention_heads, 8"));
  EXPECT_THAT(refused("deberta-v3", {{"conv_kernel_size", 2}}),
              HasSubstr("conv_kernel_size] expected an odd"));
  EXPECT_THAT(refused("deberta-v2-convolution", {{"conv_kernel_size", 5}}),
              HasSubstr("conv.weight] has shape [32, 96], the config asks for [32, 160]"));
  EXPECT_THAT(refused("deberta-v3", {{"position_buckets", 1}}), HasSubstr("position_buckets] expected more"));
  EXPECT_THAT(refused("deberta-v3", {{"position_buckets", 9}}),
              HasSubstr("rel_embeddings.weight] has shape [16, 32], the config asks for [18, 32]"));
  EXPECT_THAT(refused("deberta-v3", {{"max_relative_positions", 5}}),
              HasSubstr("max_relative_positions] 5 is within the 5 positions"));
  EXPECT_THAT(refused("albert", {{"inner_group_num", 2}}), HasSubstr("inner_group_num] only 1"));
  EXPECT_THAT(refused("llama-tied", {{"hidden_act", "mish"}}), HasSubstr("'mish' is not known"));
  EXPECT_THAT(refused("llama-tied", {{"rope_parameters", {{"rope_type", "spiral"}}}}),
              HasSubstr("'spiral' is not available"));
}

TEST(Registry, WeightsOfIntegersAreNamed) {
  Checkpoint checkpoint = load_checkpoint(tiny("llama-grouped"));
  checkpoint.weights.erase("model.norm.weight");
  checkpoint.tensors.emplace("model.norm.weight", Tensor::zeros(DType::kI32, Shape{2}));
  try {
    build_model(checkpoint);
    FAIL() << "was built";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("[model.norm.weight] is of i32, expected floats"));
  }
}

TEST(RopeContext, ReachesAsFarAsTheFactorStretchesIt) {
  const auto context = [](std::string_view scaling) {
    const Config config = Config::parse(
        fmt::format(R"({{"max_position_embeddings":100,"rope_scaling":{}}})", scaling), "config.json");
    return rope_context(config, 100);
  };
  EXPECT_EQ(context(R"({"type":"linear","factor":4.0})"), 400);
  EXPECT_EQ(context(R"({"type":"yarn","factor":4.0,"original_max_position_embeddings":100})"), 400);
  EXPECT_EQ(context(R"({"rope_type":"yarn","factor":4.0,"original_max_position_embeddings":25})"), 100);
  EXPECT_EQ(context(R"({"rope_type":"yarn","factor":4.0,"original_max_position_embeddings":20})"), 100);
  EXPECT_EQ(context(R"({"rope_type":"dynamic","factor":4.0})"), 100);
  EXPECT_EQ(context(R"({"rope_type":"llama3","factor":8.0})"), 100);
  EXPECT_EQ(context("null"), 100);
  EXPECT_EQ(context(R"({"type":"linear","factor":1e6})"), kMaxExtent);
}

}  // namespace
}  // namespace swiftlet::models
