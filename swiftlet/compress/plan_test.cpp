#include "swiftlet/compress/plan.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "swiftlet/compress/calibrate/test_samples.h"
#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

using test::tiny_checkpoint;

const PlannedWeight& find(const std::vector<PlannedWeight>& planned, std::string_view name) {
  for (const PlannedWeight& weight : planned)
    if (weight.name == name) return weight;
  throw std::runtime_error("not planned: " + std::string(name));
}

TEST(Pattern, StarsAndQuestionMarksMatchWholeNames) {
  EXPECT_TRUE(matches_pattern("lm_head.weight", "lm_head.weight"));
  EXPECT_TRUE(matches_pattern("*", ""));
  EXPECT_TRUE(matches_pattern("model.layers.*.mlp.*", "model.layers.12.mlp.up_proj.weight"));
  EXPECT_TRUE(matches_pattern("a*b*c", "a__b_b__c"));
  EXPECT_TRUE(matches_pattern("layer.?.q", "layer.3.q"));
  EXPECT_FALSE(matches_pattern("layer.?.q", "layer.13.q"));
  EXPECT_FALSE(matches_pattern("mlp", "model.mlp"));
  EXPECT_FALSE(matches_pattern("a*b", "a_c"));
  EXPECT_FALSE(matches_pattern("", "a"));
}

TEST(Plan, MatricesAndTablesChangeVectorsStay) {
  const Checkpoint checkpoint = tiny_checkpoint("llama-grouped");
  const auto built = models::build_model(checkpoint);
  const auto planned =
      resolve_plan({.weights = {Format::kInt4, 32, false}, .skip = {"*.down_proj.*"}}, built, checkpoint);
  EXPECT_EQ(planned.size(), checkpoint.weights.size());
  const auto& query = find(planned, "model.layers.0.self_attn.q_proj.weight");
  EXPECT_TRUE(query.change);
  EXPECT_EQ(to_string(query.encoding), "int4-g32");
  EXPECT_EQ(query.arithmetic, Arithmetic::kInt8);
  EXPECT_EQ(to_string(find(planned, "model.embed_tokens.weight").encoding), "int8");
  EXPECT_EQ(to_string(find(planned, "lm_head.weight").encoding), "int4-g32");
  EXPECT_FALSE(find(planned, "model.norm.weight").change);
  EXPECT_FALSE(find(planned, "model.layers.1.mlp.down_proj.weight").change);
  EXPECT_EQ(find(planned, "model.layers.1.mlp.down_proj.weight").note, "skipped by the plan");
}

TEST(Plan, PositionTablesOfBertStay) {
  const Checkpoint checkpoint = tiny_checkpoint("bert-gelu");
  const auto built = models::build_model(checkpoint);
  const auto planned = resolve_plan({}, built, checkpoint);
  EXPECT_TRUE(find(planned, "embeddings.word_embeddings.weight").change);
  EXPECT_FALSE(find(planned, "embeddings.position_embeddings.weight").change);
  EXPECT_TRUE(find(planned, "encoder.layer.0.attention.self.query.weight").change);
}

TEST(Plan, ASkipPatternThatMatchesNothingIsAnError) {
  const Checkpoint checkpoint = tiny_checkpoint("llama-tied");
  const auto built = models::build_model(checkpoint);
  try {
    resolve_plan({.skip = {"*.dwon_proj.*"}}, built, checkpoint);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_NE(std::string_view(error.what()).find("*.dwon_proj.*"), std::string_view::npos);
  }
}

Plan pruning(const char* pattern, const char* method) {
  return {.weights = {Format::kBF16}, .embeddings = {Format::kBF16}, .prune = parse_pruning(pattern, method)};
}

TEST(Plan, LinearsArePrunedTablesAndTiedHeadsAreNot) {
  Plan plan = pruning("2:4", "magnitude");
  plan.skip = {"*.layers.0.mlp.down_proj.*"};
  const Checkpoint tied = tiny_checkpoint("llama-tied");
  const auto planned = resolve_plan(plan, models::build_model(tied), tied);
  EXPECT_TRUE(find(planned, "model.layers.0.self_attn.q_proj.weight").prune);
  EXPECT_EQ(find(planned, "model.layers.0.self_attn.q_proj.weight").note, "");
  const auto& table = find(planned, "model.embed_tokens.weight");
  EXPECT_TRUE(table.change);
  EXPECT_FALSE(table.prune);
  EXPECT_EQ(table.note, "not pruned: a table");
  EXPECT_FALSE(find(planned, "model.norm.weight").prune);
  EXPECT_FALSE(find(planned, "model.layers.0.mlp.down_proj.weight").prune);
  EXPECT_EQ(find(planned, "model.layers.0.mlp.down_proj.weight").note, "skipped by the plan");
  const Checkpoint apart = tiny_checkpoint("llama-grouped");
  plan.skip.clear();
  EXPECT_TRUE(find(resolve_plan(plan, models::build_model(apart), apart), "lm_head.weight").prune);
}

TEST(Plan, AMatrixThatTheGroupsDoNotDivideIsNamed) {
  const Checkpoint checkpoint = tiny_checkpoint("llama-tied");
  const auto built = models::build_model(checkpoint);
  Plan plan = pruning("1:127", "magnitude");
  try {
    resolve_plan(plan, built, checkpoint);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_EQ(std::string_view(error.what()).find("[model.layers.0."), 0u) << error.what();
    EXPECT_NE(std::string_view(error.what()).find("pruning by 1:127 wants a multiple of 127 columns"),
              std::string_view::npos);
  }
  plan.skip = {"model.layers.*"};  // the way out
  EXPECT_NO_THROW(resolve_plan(plan, built, checkpoint));
}

TEST(Plan, JsonNamesPatternAndMethod) {
  const auto json_of = [](const Plan& plan) { return nlohmann::json::parse(plan_to_json(plan)); };
  const auto wanda = json_of(pruning("1:4", "wanda"));
  EXPECT_EQ(wanda["prune"], (nlohmann::json{{"pattern", "1:4"}, {"method", "wanda"}}));
  EXPECT_FALSE(wanda.contains("damping"));
  const auto sparse_gpt = json_of(pruning("4x4:50%", "sparsegpt"));
  EXPECT_EQ(sparse_gpt["damping"], 0.01);
  EXPECT_EQ(sparse_gpt["activation_order"], false);
  EXPECT_FALSE(json_of({}).contains("prune"));
}

TEST(Plan, JsonNamesWhatWasDone) {
  const auto json =
      nlohmann::json::parse(plan_to_json({.weights = {Format::kInt4, 64, true}, .skip = {"a"}}));
  EXPECT_EQ(json["weights"], "int4-g64-asym");
  EXPECT_EQ(json["activations"], "int8");
  EXPECT_EQ(json["skip"], nlohmann::json::array({"a"}));
}

Plan full_plan() {
  Plan plan{.method = parse_method("awq+gptq"),
            .gptq = {.damping = 0.02, .activation_order = false},
            .weights = {Format::kInt4, 32, true},
            .embeddings = {Format::kInt8, 0, false},
            .arithmetic = Arithmetic::kF32,
            .skip = {"lm_head.*"},
            .prune = parse_pruning("2:4", "wanda")};
  plan.rules = {parse_rule("*.layers.0.*=int8-g64"), parse_rule("*.layers.0.mlp.*=bf16")};
  return plan;
}

TEST(Plan, TheLastRuleThatMatchesCounts) {
  const Checkpoint checkpoint = tiny_checkpoint("llama-grouped");
  const auto built = models::build_model(checkpoint);
  const auto planned = resolve_plan(full_plan(), built, checkpoint);
  EXPECT_EQ(to_string(find(planned, "model.layers.0.self_attn.q_proj.weight").encoding), "int8-g64");
  EXPECT_EQ(to_string(find(planned, "model.layers.0.mlp.up_proj.weight").encoding), "bf16");
  EXPECT_EQ(find(planned, "model.layers.0.mlp.up_proj.weight").arithmetic, Arithmetic::kBF16);
  EXPECT_EQ(to_string(find(planned, "model.layers.1.mlp.up_proj.weight").encoding), "int4-g32-asym");
  EXPECT_FALSE(find(planned, "model.layers.0.input_layernorm.weight").change);
}

TEST(Plan, RulesReachTablesThatStayOtherwise) {
  const Checkpoint checkpoint = tiny_checkpoint("bert-gelu");
  const auto built = models::build_model(checkpoint);
  Plan plan;
  plan.rules = {parse_rule("embeddings.position_embeddings.*=int8")};
  const auto planned = resolve_plan(plan, built, checkpoint);
  EXPECT_TRUE(find(planned, "embeddings.position_embeddings.weight").change);
  EXPECT_FALSE(find(planned, "embeddings.token_type_embeddings.weight").change);
}

TEST(Plan, IsTheSameAfterJson) {
  const std::string json = plan_to_json(full_plan());
  EXPECT_EQ(plan_to_json(plan_from_json(json, "plan.json")), json);
  EXPECT_EQ(plan_to_json(plan_from_json("{}", "plan.json")), plan_to_json(Plan{}));
  const auto written = nlohmann::json::parse(json);
  EXPECT_EQ(written["method"], "awq+gptq");
  EXPECT_EQ(written["rules"], (std::vector<std::string>{"*.layers.0.*=int8-g64", "*.layers.0.mlp.*=bf16"}));
  EXPECT_EQ(written["damping"], 0.02);
}

TEST(Plan, JsonThatIsNoPlanNamesThePlace) {
  const auto message_of = [](const char* json) -> std::string {
    try {
      plan_from_json(json, "plan.json");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalid);
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message_of(R"({"method": "best"})").find("[plan.json: method] 'best' is not known; "), 0u);
  EXPECT_EQ(message_of(R"({"weights": "int7"})").find("[plan.json: weights] 'int7' is not an encoding"), 0u);
  EXPECT_EQ(message_of(R"({"weights": "q2_k"})").find("[plan.json: weights] 'q2_k' is not an encoding"), 0u)
      << "which comes from files alone";
  EXPECT_EQ(message_of(R"({"rules": ["*.mlp.*"]})"),
            "[plan.json: rules] expected PATTERN=ENCODING, like 'model.layers.0.*=int8', got '*.mlp.*'");
  EXPECT_EQ(message_of(R"({"damping": 7})").find("[plan.json: damping] expected"), 0u);
  EXPECT_EQ(
      message_of(R"({"activations": "int3"})").find("[plan.json: activations] expected f32, bf16 or int8"),
      0u);
  EXPECT_EQ(message_of(R"({"weights": "bf16", "embeddings": "bf16", "activations": "int8"})"),
            "[plan.json: activations] int8 activations need int8 or int4 weights, not bf16");
  EXPECT_EQ(message_of(R"({"prune": {"pattern": "half"}})").find("[plan.json: prune] 'half' is no pattern"),
            0u);
  EXPECT_EQ(message_of(R"({"prune": {"method": "wanda"}})").find("[plan.json: prune: pattern] "), 0u);
  EXPECT_EQ(message_of(R"({"wieghts": "int8"})").find("[plan.json: wieghts] is not known; a plan has "), 0u);
  EXPECT_EQ(message_of("[1]").find("[plan.json"), 0u);
  EXPECT_EQ(message_of("{\"method\":").find("[plan.json"), 0u);
}

TEST(Plan, ARuleThatMatchesNothingOrCannotBeRoundedToIsAnError) {
  const Checkpoint checkpoint = tiny_checkpoint("llama-tied");
  const auto built = models::build_model(checkpoint);
  const auto message_of = [&](const Plan& plan) -> std::string {
    try {
      resolve_plan(plan, built, checkpoint);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  Plan plan;
  plan.rules = {parse_rule("model.layer.0.*=int8")};
  EXPECT_EQ(message_of(plan).find("[rule] 'model.layer.0.*' matches no weight of "), 0u);
  plan.rules = {parse_rule("*=q4_r")};
  plan.method = parse_method("gptq");
  EXPECT_EQ(message_of(plan), "[method] gptq rounds to int8 and int4, not to q4_r");
}

}  // namespace
}  // namespace swiftlet
