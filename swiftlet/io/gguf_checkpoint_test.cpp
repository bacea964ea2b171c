#include "swiftlet/io/gguf_checkpoint.h"

#include <gmock/gmock.h>

#include "swiftlet/io/gguf_model.h"
#include "swiftlet/io/gguf_testing.h"

namespace swiftlet {
namespace {

using testing::buffer_of;
using testing::bytes_of;
using ::testing::ElementsAre;
using testing::GgufBytes;
using ::testing::HasSubstr;
using testing::message_of;
using ::testing::Not;
using testing::raw;
using testing::TemporaryFolder;
using testing::write_file;

std::string floats(std::size_t count) {
  std::string data;
  for (std::size_t i = 0; i < count; ++i) data += raw(static_cast<float>(i));
  return data;
}

// What every llama file has, of one layer without weights.
GgufBytes llama_keys() {
  GgufBytes bytes;
  bytes.text("general.architecture", "llama");
  bytes.u32("llama.embedding_length", 8).u32("llama.block_count", 1).u32("llama.context_length", 64);
  bytes.u32("llama.feed_forward_length", 12).u32("llama.attention.head_count", 2);
  return bytes;
}
GgufBytes small_llama() {
  return llama_keys().tensor("token_embd.weight", {8, 5}, 0, floats(40));
}

Checkpoint parsed(const GgufBytes& bytes) {
  return parse_gguf(buffer_of(bytes.str()), "test.gguf");
}
std::string fault(const GgufBytes& bytes) {
  return message_of([&] { parsed(bytes); });
}
// What a parsing writes to standard error.
std::string warning_of(const GgufBytes& bytes) {
  ::testing::internal::CaptureStderr();
  parsed(bytes);
  return ::testing::internal::GetCapturedStderr();
}

// The first weight in a tensor.
std::optional<std::string> content_name(const GgufArchitecture& architecture, std::string_view tensor) {
  const auto contents = gguf_contents(architecture, tensor);
  return contents.empty() ? std::nullopt : std::optional(contents.front().name);
}

TEST(GgufCheckpoint, MetadataBecomeAConfig) {
  GgufBytes bytes = small_llama();
  bytes.u32("llama.attention.head_count_kv", 1).f32("llama.attention.layer_norm_rms_epsilon", 0.25f);
  bytes.f32("llama.rope.freq_base", 5e5f).u32("llama.rope.dimension_count", 4);
  const Checkpoint checkpoint = parsed(bytes);
  EXPECT_EQ(checkpoint.format, "gguf");
  const Config& config = checkpoint.config;
  EXPECT_EQ(config.require_string("model_type"), "llama");
  EXPECT_EQ(config.strings("architectures"), std::vector<std::string>{"LlamaForCausalLM"});
  EXPECT_EQ(config.require_int("hidden_size"), 8);
  EXPECT_EQ(config.require_int("num_hidden_layers"), 1);
  EXPECT_EQ(config.require_int("intermediate_size"), 12);
  EXPECT_EQ(config.require_int("num_attention_heads"), 2);
  EXPECT_EQ(config.require_int("num_key_value_heads"), 1);
  EXPECT_EQ(config.require_int("head_dim"), 4);
  EXPECT_EQ(config.require_int("vocab_size"), 5);
  EXPECT_EQ(config.require_int("max_position_embeddings"), 64);
  EXPECT_EQ(config.require_number("rms_norm_eps"), 0.25);
  EXPECT_EQ(config.require_number("rope_theta"), 5e5);
  EXPECT_TRUE(config.bool_or("tie_word_embeddings", false));
  EXPECT_FALSE(config.bool_or("attention_bias", true));
  EXPECT_FALSE(config.has("rope_scaling"));
  EXPECT_EQ(checkpoint.tokenizer.kind, TokenizerKind::kNone);
  EXPECT_FALSE(checkpoint.sentence_transformer.has_value());
  EXPECT_EQ(checkpoint.weight("model.embed_tokens.weight").shape, (Shape{5, 8}));
}

TEST(GgufCheckpoint, NamesBecomeThoseOfTransformers) {
  const GgufFile file = small_llama().file();
  const GgufArchitecture& llama = find_gguf_architecture(file);
  EXPECT_EQ(content_name(llama, "output.weight"), "lm_head.weight");
  EXPECT_EQ(content_name(llama, "blk.31.attn_q.bias"), "model.layers.31.self_attn.q_proj.bias");
  EXPECT_EQ(content_name(llama, "blk.0.ffn_norm.weight"), "model.layers.0.post_attention_layernorm.weight");
  for (const char* name :
       {"blk.attn_q.weight", "blk.1", "blk.x.attn_q.weight", "blk.-1.attn_q.weight",
        "blk.99999999999.attn_q.weight", "blk.1.what.weight", "weight", "", "blk.1..weight"})
    EXPECT_EQ(content_name(llama, name), std::nullopt) << name;
}

// Old files of Mixtral have a tensor for each expert, new ones may have gates and ups, or queries, keys and
// values, in one.
TEST(GgufCheckpoint, PartsBecomeWeightsOfTheirOwn) {
  GgufBytes bytes = small_llama();
  bytes.u32("llama.attention.head_count_kv", 1)
      .u32("llama.expert_count", 2)
      .u32("llama.expert_used_count", 1);
  bytes.tensor("blk.0.attn_qkv.weight", {8, 16}, 0, floats(128));
  bytes.tensor("blk.0.ffn_down.0.weight", {3, 8}, 0, floats(24));
  bytes.tensor("blk.0.ffn_gate.1.weight", {8, 3}, 0, floats(24));
  bytes.tensor("blk.1.ffn_gate_up_exps.weight", {2, 6, 2}, 0, floats(24));
  const Checkpoint checkpoint = parsed(bytes);
  EXPECT_EQ(checkpoint.config.require_string("model_type"), "mixtral");
  EXPECT_EQ(checkpoint.config.require_int("intermediate_size"), 3);
  const auto values = [&](const char* name) {
    return decode(checkpoint.weight("model.layers." + std::string(name) + ".weight"));
  };
  EXPECT_EQ(values("0.self_attn.q_proj").size(), 64U);
  EXPECT_EQ(values("0.self_attn.q_proj")[8], 16);  // the second row of a half is that of a pair's neighbour
  EXPECT_EQ(values("0.self_attn.k_proj").front(), 64);
  EXPECT_EQ(values("0.self_attn.v_proj").front(), 96);
  EXPECT_EQ(values("0.block_sparse_moe.experts.0.w2").size(), 24U);
  EXPECT_EQ(values("0.block_sparse_moe.experts.1.w1").size(), 24U);
  EXPECT_EQ(checkpoint.weight("model.layers.1.block_sparse_moe.experts.0.w1.weight").shape, (Shape{3, 2}));
  EXPECT_THAT(values("1.block_sparse_moe.experts.1.w3"), ElementsAre(18, 19, 20, 21, 22, 23));
  EXPECT_THAT(fault(small_llama().tensor("blk.0.attn_qkv.weight", {8, 7}, 0, floats(56))),
              HasSubstr("expected rows for 2 heads and 2 keys and values, came 7"));
}

// A number says that every so many layers one sees all, a list says it of each.
TEST(GgufCheckpoint, WindowsOfLayers) {
  GgufBytes bytes;
  bytes.text("general.architecture", "modern-bert");
  bytes.u32("modern-bert.embedding_length", 8).u32("modern-bert.block_count", 1);
  bytes.u32("modern-bert.context_length", 64).u32("modern-bert.feed_forward_length", 12);
  bytes.u32("modern-bert.attention.head_count", 2).u32("modern-bert.attention.sliding_window", 6);
  bytes.tensor("token_embd.weight", {8, 5}, 0, floats(40));
  GgufBytes counted = bytes, listed = bytes;
  counted.u32("modern-bert.attention.sliding_window_pattern", 3);
  const Config by_count = parsed(counted).config;
  EXPECT_EQ(by_count.require_int("global_attn_every_n_layers"), 3);
  EXPECT_FALSE(by_count.has("layer_types"));
  listed.array("modern-bert.attention.sliding_window_pattern", GgufKind::kBool, 1, std::string(1, '\1'));
  EXPECT_THAT(parsed(listed).config.strings("layer_types"), ElementsAre("sliding_attention"));
}

TEST(GgufCheckpoint, ScalingsOfRope) {
  const auto scaling_of = [](GgufBytes bytes) {
    const Config config = parsed(bytes).config;
    const auto scaling = config.section("rope_scaling");
    return scaling ? scaling->dump() : "";
  };
  EXPECT_EQ(scaling_of(small_llama().text("llama.rope.scaling.type", "none")), "");
  EXPECT_EQ(scaling_of(small_llama().f32("llama.rope.scale_linear", 4)),
            R"({"factor":4.0,"rope_type":"linear"})");
  EXPECT_EQ(
      scaling_of(small_llama().text("llama.rope.scaling.type", "linear").f32("llama.rope.scaling.factor", 2)),
      R"({"factor":2.0,"rope_type":"linear"})");
  EXPECT_EQ(scaling_of(small_llama()
                           .text("llama.rope.scaling.type", "yarn")
                           .f32("llama.rope.scaling.factor", 4)
                           .u32("llama.rope.scaling.original_context_length", 32)),
            R"({"factor":4.0,"original_max_position_embeddings":32,"rope_type":"yarn"})");
  // Factors that no four numbers of Llama 3 give.
  EXPECT_EQ(scaling_of(small_llama().tensor("rope_freqs.weight", {2}, 0, bytes_of<float>({1.5f, 2.5f}))),
            R"({"attention_factor":1.0,"long_factor":[1.5,2.5],"original_max_position_embeddings":64,)"
            R"("rope_type":"longrope","short_factor":[1.5,2.5]})");
  EXPECT_EQ(
      fault(small_llama().text("llama.rope.scaling.type", "su")),
      "[test.gguf: key 'llama.rope.scaling.type'] 'su' is not available; known are none, linear, yarn, and "
      "longrope with its tensors of factors");
  EXPECT_EQ(fault(small_llama().tensor("rope_freqs.weight", {3}, 0, floats(3))),
            "[test.gguf: tensor 'rope_freqs.weight'] expected 2 factors in F32, came F32 [3]");
  EXPECT_EQ(fault(small_llama().tensor("rope_freqs.weight", {2}, 0, bytes_of<float>({1, 0}))),
            "[test.gguf: tensor 'rope_freqs.weight'] expected positive factors, came 0");
}

TEST(GgufCheckpoint, TheFactorsOfLlama3AreKnownByTheirValues) {
  // Llama 3.1: theta 5e5, heads of 128, factor 8 beyond 8192 / 1 and none below 8192 / 4.
  constexpr double kPi = 3.14159265358979323846;
  std::string factors;
  for (int i = 0; i < 64; ++i) {
    const double frequency = std::pow(5e5, -i / 64.0), wavelength = 2 * kPi / frequency;
    const double blend = (8192 / wavelength - 1) / 3;
    const double factor = wavelength < 2048 ? 1 : wavelength > 8192 ? 8 : 1 / ((1 - blend) / 8 + blend);
    factors += raw(static_cast<float>(factor));
  }
  GgufBytes bytes = small_llama();
  bytes.u32("llama.attention.key_length", 128).u32("llama.attention.value_length", 128);
  bytes.f32("llama.rope.freq_base", 5e5f).tensor("rope_freqs.weight", {64}, 0, factors);
  EXPECT_EQ(parsed(bytes).config.section("rope_scaling")->dump(),
            R"({"factor":8.0,"high_freq_factor":4.0,"low_freq_factor":1.0,)"
            R"("original_max_position_embeddings":8192,"rope_type":"llama3"})");
}

TEST(GgufCheckpoint, QueriesAndKeysGoToHalves) {
  GgufBytes bytes = small_llama();
  bytes.u32("llama.attention.head_count_kv", 1);
  bytes.tensor("blk.0.attn_q.weight", {1, 8}, 0, floats(8))
      .tensor("blk.0.attn_k.weight", {1, 4}, 0, floats(4));
  bytes.tensor("blk.0.attn_v.weight", {1, 4}, 0, floats(4)).tensor("blk.0.attn_q.bias", {8}, 0, floats(8));
  bytes.tensor("blk.0.attn_output.bias", {8}, 0, floats(8));
  const Checkpoint checkpoint = parsed(bytes);
  const auto values = [&](const std::string& name) {
    return decode(checkpoint.weight("model.layers.0.self_attn." + name));
  };
  EXPECT_THAT(values("q_proj.weight"), ElementsAre(0, 2, 1, 3, 4, 6, 5, 7));
  EXPECT_THAT(values("q_proj.bias"), ElementsAre(0, 2, 1, 3, 4, 6, 5, 7));
  EXPECT_THAT(values("k_proj.weight"), ElementsAre(0, 2, 1, 3));
  EXPECT_THAT(values("v_proj.weight"), ElementsAre(0, 1, 2, 3));
  EXPECT_TRUE(checkpoint.config.bool_or("attention_bias", false));
}

TEST(GgufCheckpoint, OtherArchitecturesKeepTheirRows) {
  GgufBytes bytes;
  bytes.text("general.architecture", "qwen2").u32("qwen2.embedding_length", 8).u32("qwen2.block_count", 1);
  bytes.u32("qwen2.context_length", 64).u32("qwen2.feed_forward_length", 12);
  bytes.u32("qwen2.attention.head_count", 2).tensor("token_embd.weight", {8, 5}, 0, floats(40));
  bytes.tensor("blk.0.attn_q.weight", {1, 8}, 0, floats(8));
  EXPECT_THAT(decode(parsed(bytes).weight("model.layers.0.self_attn.q_proj.weight")),
              ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

// One layer of `architecture`, whose head is 4 wide, with these keys and one vector that is a norm.
GgufBytes small_file(const std::string& architecture,
                     const std::vector<std::pair<std::string, float>>& keys = {}) {
  GgufBytes bytes;
  bytes.text("general.architecture", architecture);
  for (const auto& [key, value] : {std::pair{"embedding_length", 8},
                                   {"block_count", 1},
                                   {"context_length", 64},
                                   {"feed_forward_length", 12},
                                   {"attention.head_count", 2}})
    bytes.u32(architecture + "." + key, static_cast<std::uint32_t>(value));
  for (const auto& [key, value] : keys) bytes.f32(architecture + "." + key, value);
  bytes.tensor("token_embd.weight", {8, 5}, 0, floats(40));
  bytes.tensor("output_norm.weight", {8}, 0, floats(8));
  return bytes.tensor("blk.0.attn_q.weight", {1, 8}, 0, floats(8));
}

TEST(GgufCheckpoint, GemmaStoresOneMoreThanItsNorms) {
  for (const char* name : {"gemma", "gemma2", "gemma3"}) {
    const Checkpoint checkpoint = parsed(small_file(name));
    EXPECT_THAT(decode(checkpoint.weight("model.norm.weight")), ElementsAre(-1, 0, 1, 2, 3, 4, 5, 6)) << name;
    EXPECT_EQ(checkpoint.config.require_string("hidden_activation"), "gelu_pytorch_tanh");
    EXPECT_THAT(decode(checkpoint.weight("model.layers.0.self_attn.q_proj.weight")),
                ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  }
}

TEST(GgufCheckpoint, KeysOfTheLaterGemmas) {
  GgufBytes second = small_file("gemma2", {{"attn_logit_softcapping", 50}, {"final_logit_softcapping", 30}});
  second.u32("gemma2.attention.sliding_window", 16);
  EXPECT_EQ(warning_of(second), "");
  const Config two = parsed(second).config;
  EXPECT_EQ(two.require_string("model_type"), "gemma2");
  EXPECT_EQ(two.require_number("attn_logit_softcapping"), 50);
  EXPECT_EQ(two.require_number("final_logit_softcapping"), 30);
  EXPECT_EQ(two.require_int("query_pre_attn_scalar"), 4);
  EXPECT_EQ(two.require_int("sliding_window"), 16);
  const Config three = parsed(small_file("gemma3", {{"rope.scaling.factor", 8}})).config;
  EXPECT_EQ(three.require_string("model_type"), "gemma3_text");
  EXPECT_EQ(three.require_number("rope_theta"), 1e6);
  EXPECT_EQ(three.require_number("rope_local_base_freq"), 1e4);
  EXPECT_EQ(three.require_int("sliding_window_pattern"), 6);
  const GgufFile file = second.file();
  const GgufArchitecture& row = find_gguf_architecture(file);
  EXPECT_EQ(content_name(row, "blk.0.ffn_norm.weight"), "model.layers.0.pre_feedforward_layernorm.weight");
  EXPECT_EQ(content_name(row, "blk.0.post_ffw_norm.weight"),
            "model.layers.0.post_feedforward_layernorm.weight");
}

TEST(GgufCheckpoint, GraniteHasMultipliersAndNeighbours) {
  const GgufBytes bytes = small_file(
      "granite",
      {{"attention.scale", 0.5f}, {"embedding_scale", 12}, {"residual_scale", 0.25f}, {"logit_scale", 8}});
  EXPECT_EQ(warning_of(bytes), "");
  const Checkpoint checkpoint = parsed(bytes);
  EXPECT_EQ(checkpoint.config.require_number("attention_multiplier"), 0.5);
  EXPECT_EQ(checkpoint.config.require_number("embedding_multiplier"), 12);
  EXPECT_EQ(checkpoint.config.require_number("residual_multiplier"), 0.25);
  EXPECT_EQ(checkpoint.config.require_number("logits_scaling"), 8);
  for (const char* name : {"granite", "smollm3"})
    EXPECT_THAT(decode(parsed(small_file(name)).weight("model.layers.0.self_attn.q_proj.weight")),
                ElementsAre(0, 2, 1, 3, 4, 6, 5, 7))
        << name;
}

TEST(GgufCheckpoint, Phi3HasFusedWeightsAndTwoListsOfFactors) {
  GgufBytes bytes = small_file("phi3", {{"rope.scaling.attn_factor", 1.25f}});
  bytes.u32("phi3.rope.scaling.original_context_length", 32).u32("phi3.attention.sliding_window", 20);
  bytes.tensor("rope_factors_short.weight", {2}, 0, bytes_of<float>({1, 1.5f}));
  bytes.tensor("rope_factors_long.weight", {2}, 0, bytes_of<float>({2, 4}));
  const Checkpoint checkpoint = parsed(bytes);
  EXPECT_EQ(checkpoint.config.section("rope_scaling")->dump(),
            R"({"attention_factor":1.25,"long_factor":[2.0,4.0],"original_max_position_embeddings":32,)"
            R"("rope_type":"longrope","short_factor":[1.0,1.5]})");
  EXPECT_EQ(checkpoint.config.require_int("sliding_window"), 20);
  const GgufFile file = bytes.file();
  const GgufArchitecture& row = find_gguf_architecture(file);
  EXPECT_EQ(content_name(row, "blk.0.attn_qkv.weight"), "model.layers.0.self_attn.qkv_proj.weight");
  EXPECT_EQ(content_name(row, "blk.0.ffn_up.weight"), "model.layers.0.mlp.gate_up_proj.weight");
}

TEST(GgufCheckpoint, OneLineTellsWhatWasRounded) {
  GgufBytes bytes = small_llama();
  EXPECT_EQ(warning_of(bytes), "");
  const std::string blocks(4 * 84, '\0');
  bytes.tensor("blk.0.ffn_up.weight", {256, 4}, 10, blocks)
      .tensor("blk.0.ffn_gate.weight", {256, 4}, 10, blocks);
  EXPECT_THAT(warning_of(bytes), HasSubstr("test.gguf: matrices that cannot run as they are were rounded to "
                                           "int8-g32 (2 of Q2_K): 0.0 MB of the file are 0.0 MB now"));
  EXPECT_THAT(warning_of(small_llama().f32("llama.attention.sinks_of_gold", 3)),
              HasSubstr("keys that are not read: llama.attention.sinks_of_gold"));
}

TEST(GgufCheckpoint, PoolingOfEncoders) {
  GgufBytes bytes;
  bytes.text("general.architecture", "bert").u32("bert.embedding_length", 8).u32("bert.block_count", 1);
  bytes.u32("bert.context_length", 64)
      .u32("bert.feed_forward_length", 12)
      .u32("bert.attention.head_count", 2);
  bytes.tensor("token_embd.weight", {8, 5}, 0, floats(40))
      .tensor("token_types.weight", {8, 2}, 0, floats(16));
  EXPECT_FALSE(parsed(bytes).sentence_transformer.has_value());
  GgufBytes mean = bytes;
  const auto sentence = parsed(mean.u32("bert.pooling_type", 1)).sentence_transformer;
  ASSERT_TRUE(sentence.has_value());
  EXPECT_EQ(sentence->pooling, std::vector{Pooling::kMean});
  EXPECT_EQ(sentence->max_seq_length, 64);
  EXPECT_EQ(sentence->layers.size(), 1u);
  GgufBytes rank = bytes;
  EXPECT_EQ(
      fault(rank.u32("bert.pooling_type", 4)),
      "[test.gguf: key 'bert.pooling_type'] 4 is not available; known are 0 (none), 1 (mean), 2 (cls), 3 "
      "(last token)");
}

TEST(GgufCheckpointBad, SaysWhatIsMissingOrNotAvailable) {
  EXPECT_EQ(fault(GgufBytes()),
            "[test.gguf: key 'general.architecture'] is missing: the file does not say what model it holds");
  EXPECT_THAT(
      fault(GgufBytes().text("general.architecture", "mamba")),
      HasSubstr("[test.gguf: key 'general.architecture'] 'mamba' is not available; known are llama, "));
  EXPECT_EQ(fault(GgufBytes().text("general.architecture", "llama")),
            "[test.gguf: key 'llama.embedding_length'] is missing");
  EXPECT_EQ(fault(llama_keys()),
            "[test.gguf: tensor 'token_embd.weight'] expected a matrix of embeddings, there is none");
  EXPECT_EQ(fault(small_llama().u32("llama.expert_count", 8)),
            "[test.gguf: key 'llama.expert_used_count'] is missing");
  EXPECT_EQ(
      fault(small_llama().u32("llama.expert_count", 8).u32("llama.expert_used_count", 2)),
      "[test.gguf: tensor 'blk.0.ffn_down_exps.weight'] expected a tensor of all experts, there is none");
  EXPECT_EQ(fault(GgufBytes().text("general.architecture", "gemma").u32("gemma.expert_count", 8)),
            "[test.gguf: key 'gemma.expert_count'] a mixture of experts (8) is not available for 'gemma'");
  EXPECT_EQ(fault(GgufBytes().text("general.architecture", "qwen3moe")),
            "[test.gguf: key 'qwen3moe.expert_count'] is missing: 'qwen3moe' has experts");
  EXPECT_EQ(fault(small_llama().u32("llama.attention.value_length", 3)),
            "[test.gguf: key 'llama.attention.value_length'] heads whose values have another size (3) than "
            "their keys (4) are not available");
  EXPECT_EQ(fault(small_llama().u32("llama.rope.dimension_count", 2)),
            "[test.gguf: key 'llama.rope.dimension_count'] a rotation of part of a head is not available");
  EXPECT_EQ(fault(small_llama().u32("llama.rope.dimension_count", 5)),
            "[test.gguf: key 'llama.rope.dimension_count'] expected from 1 to 4, the size of a head, came 5");
  EXPECT_EQ(
      fault(small_llama().array("llama.attention.head_count_kv", GgufKind::kU32, 2,
                                bytes_of<std::uint32_t>({1, 2}))),
      "[test.gguf: key 'llama.attention.head_count_kv'] layers that differ (1 and 2) are not available");
  EXPECT_EQ(fault(small_llama().u32("llama.attention.head_count_kv", 0)),
            "[test.gguf: key 'llama.attention.head_count_kv'] expected from 1 to 2147483647, came 0");
  EXPECT_EQ(fault(small_llama().tensor("blk.0.attn_q.weight", {8, 6}, 0, floats(48))),
            "[test.gguf: tensor 'blk.0.attn_q.weight'] expected rows for 2 heads of even size, came 6");
  EXPECT_EQ(fault(small_llama().tensor("model.embed_tokens.weight", {8, 5}, 0, floats(40))),
            "[test.gguf: tensor 'model.embed_tokens.weight'] is a second 'model.embed_tokens.weight'");
}

// Two parts: the first has the keys and the embeddings, the second the norm.
struct Parts {
  TemporaryFolder folder;
  GgufBytes first = llama_keys(), second;

  Parts() {
    first.value("split.count", GgufKind::kU16, raw<std::uint16_t>(2));
    first.value("split.no", GgufKind::kU16, raw<std::uint16_t>(0));
    first.value("split.tensors.count", GgufKind::kI32, raw<std::int32_t>(2));
    first.tensor("token_embd.weight", {8, 5}, 0, floats(40));
    second.value("split.count", GgufKind::kU16, raw<std::uint16_t>(2));
    second.value("split.no", GgufKind::kU16, raw<std::uint16_t>(1));
    second.tensor("output_norm.weight", {8}, 0, floats(8));
  }
  std::filesystem::path write(std::string_view name = "m-00001-of-00002.gguf") {
    write_file(folder / name, first.str());
    write_file(folder / "m-00002-of-00002.gguf", second.str());
    return folder / name;
  }
  std::string fault(const std::filesystem::path& path) const {
    return message_of([&] { load_gguf(path); });
  }
};

TEST(GgufParts, AreOneModel) {
  Parts parts;
  const auto path = parts.write();
  EXPECT_EQ(load_gguf(path).weights.size(), 2u);
  EXPECT_EQ(load_gguf(parts.folder / "m-00002-of-00002.gguf").weights.size(), 2u);
  EXPECT_EQ(load_checkpoint(parts.folder.path()).weights.size(), 2u);
  EXPECT_EQ(gguf_parts("a/x-00002-of-00003.gguf").size(), 3u);
  EXPECT_EQ(gguf_parts("a/x-00004-of-00003.gguf").size(), 1u);
  EXPECT_EQ(gguf_parts("a/x.gguf").size(), 1u);
}

TEST(GgufParts, SayWhatIsMissing) {
  Parts parts;
  const auto path = parts.write();
  std::filesystem::remove(parts.folder / "m-00002-of-00002.gguf");
  EXPECT_THAT(parts.fault(path), HasSubstr("m-00002-of-00002.gguf] is missing: the model has 2 parts"));
  write_file(parts.folder / "m-00002-of-00002.gguf", parts.first.str());
  EXPECT_THAT(parts.fault(path), HasSubstr("expected part 2 of 2 (split.no 1), came split.no 0 of 2"));
  parts.write("other.gguf");
  EXPECT_THAT(parts.fault(parts.folder / "other.gguf"),
              HasSubstr("other.gguf] is a part of 2: expected the name to end in -0000N-of-00002.gguf"));
  parts.second.tensor("extra.weight", {8}, 0, floats(8));
  EXPECT_THAT(parts.fault(parts.write()), HasSubstr("expected 2 tensors in 2 parts, came 3"));
  EXPECT_THAT(message_of([&] { parsed(parts.first); }), HasSubstr("is one part of 2"));
}

}  // namespace
}  // namespace swiftlet
