// Rows of gguf_architectures.h: GPT-2 and the decoders with LayerNorm that are made like it.
#include <algorithm>

#include "swiftlet/core/error.h"
#include "swiftlet/io/gguf_rope.h"
#include "swiftlet/io/gguf_tables.h"

namespace swiftlet::gguf {
namespace {

// What all of them say.
void gpt_config(const GgufKeys& keys, Json& config) {
  common_config(keys, config);
  config["layer_norm_epsilon"] = layer_norm_epsilon(keys);
  config["tie_word_embeddings"] = keys.file.find("output.weight") == nullptr;
}

void refuse_grouped_heads(const GgufKeys& keys, const Json& config) {
  const std::int64_t heads = config["num_attention_heads"];
  if (keys.extent_of_layers("attention.head_count_kv", heads) != heads)
    fail(ErrorCode::kUnsupported, keys.where("attention.head_count_kv"),
         "heads that share their keys are not available in '{}'", keys.architecture);
}

void write_gpt(GgufModelWriter& writer) {
  write_common(writer);
  write_layer_norm(writer);
}

constexpr std::array kMegatronLayer{
    GgufName{"attn_norm", "input_layernorm"},
    GgufName{"attn_qkv", "self_attention.query_key_value", GgufForm::kGrouped},
    GgufName{"attn_output", "self_attention.dense"},
    GgufName{"ffn_norm", "post_attention_layernorm"},
    GgufName{"ffn_up", "mlp.dense_h_to_4h"},
    GgufName{"ffn_down", "mlp.dense_4h_to_h"},
};

constexpr std::array kGpt2Names{
    GgufName{"token_embd", "transformer.wte"},
    GgufName{"position_embd", "transformer.wpe"},
    GgufName{"output_norm", "transformer.ln_f"},
    GgufName{"output", "lm_head"},
};
constexpr std::array kGpt2Layer{
    GgufName{"attn_norm", "ln_1"},          GgufName{"attn_qkv", "attn.c_attn"},
    GgufName{"attn_output", "attn.c_proj"}, GgufName{"ffn_norm", "ln_2"},
    GgufName{"ffn_up", "mlp.c_fc"},         GgufName{"ffn_down", "mlp.c_proj"},
};

void gpt2_config(const GgufKeys& keys, Json& config) {
  gpt_config(keys, config);
  refuse_grouped_heads(keys, config);
  rename(config, {{"hidden_size", "n_embd"},
                  {"num_hidden_layers", "n_layer"},
                  {"num_attention_heads", "n_head"},
                  {"intermediate_size", "n_inner"},
                  {"max_position_embeddings", "n_positions"}});
}

constexpr std::array kGptNeoXNames{
    GgufName{"token_embd", "gpt_neox.embed_in"},
    GgufName{"output_norm", "gpt_neox.final_layer_norm"},
    GgufName{"output", "embed_out"},
};
constexpr std::array kGptNeoXLayer{
    GgufName{"attn_norm", "input_layernorm"},
    GgufName{"attn_qkv", "attention.query_key_value", GgufForm::kGrouped},
    GgufName{"attn_output", "attention.dense"},
    GgufName{"ffn_norm", "post_attention_layernorm"},
    GgufName{"ffn_up", "mlp.dense_h_to_4h"},
    GgufName{"ffn_down", "mlp.dense_4h_to_h"},
};

void gpt_neox_config(const GgufKeys& keys, Json& config) {
  gpt_config(keys, config);
  refuse_grouped_heads(keys, config);
  rotary_config(keys, config);
  config["use_parallel_residual"] = keys.boolean("use_parallel_residual").value_or(true);
  rename(config, {{"layer_norm_epsilon", "layer_norm_eps"},
                  {"partial_rotary_factor", "rotary_pct"},
                  {"rope_theta", "rotary_emb_base"}});
}

void write_gpt_neox(GgufModelWriter& writer) {
  write_gpt(writer);
  const Config& config = writer.config();
  write_rotary(writer, {.theta = config.number_or("rotary_emb_base", 10000),
                        .partial = config.number_or("rotary_pct", 0.25)});
  writer.boolean("use_parallel_residual", config.bool_or("use_parallel_residual", true));
}

// BLOOM and Falcon.
constexpr std::array kWordNames{
    GgufName{"token_embd", "transformer.word_embeddings"},
    GgufName{"token_embd_norm", "transformer.word_embeddings_layernorm"},
    GgufName{"output_norm", "transformer.ln_f"},
    GgufName{"output", "lm_head"},
};

void bloom_config(const GgufKeys& keys, Json& config) {
  gpt_config(keys, config);
  refuse_grouped_heads(keys, config);
  const std::int64_t inner = config["intermediate_size"], width = config["hidden_size"];
  if (inner != 4 * width)
    fail(ErrorCode::kUnsupported, keys.where("feed_forward_length"),
         "only four times {} is available, came {}", width, inner);
  config.erase("intermediate_size");
  rename(config, {{"num_hidden_layers", "n_layer"},
                  {"num_attention_heads", "n_head"},
                  {"max_position_embeddings", "seq_length"}});
}

// One norm for both halves, or two.
constexpr std::array kFalconLayer = kMegatronLayer;
constexpr auto kFalcon40Layer = [] {
  std::array<GgufName, kMegatronLayer.size() + 1> names{GgufName{"attn_norm", "ln_mlp"},
                                                        GgufName{"attn_norm_2", "ln_attn"}};
  std::copy(kMegatronLayer.begin() + 1, kMegatronLayer.end(), names.begin() + 2);
  return names;
}();

void falcon_config(const GgufKeys& keys, Json& config) {
  gpt_config(keys, config);
  rotary_config(keys, config);
  const std::int64_t heads = config["num_attention_heads"];
  const std::int64_t kv_heads = keys.extent_of_layers("attention.head_count_kv", heads);
  const int norms = keys.file.find("blk.0.attn_norm_2.weight") != nullptr ? 2 : 1;
  // The first form has one key for all heads, the later ones a number of them.
  const bool later = kv_heads > 1 || norms == 2;
  config["new_decoder_architecture"] = later;
  config["multi_query"] = true;
  config["num_kv_heads"] = kv_heads;
  if (later) config["num_ln_in_parallel_attn"] = norms;
  config["parallel_attn"] = true;
  config["bias"] = false;
  config["alibi"] = false;
  if (config["partial_rotary_factor"] == 1.0) config.erase("partial_rotary_factor");
  rename(config, {{"intermediate_size", "ffn_hidden_size"}});
}

void write_falcon(GgufModelWriter& writer) {
  write_gpt(writer);
  const std::int64_t heads = gguf_head_count(writer.config()), size = gguf_width(writer.config()) / heads;
  writer.u32("attention.head_count_kv",
             size == 0 ? 0 : (writer.extent("blk.0.attn_qkv.weight", 0) / size - heads) / 2);
  writer.text("tensor_data_layout", "jploski");
  write_gguf_rope(writer, size);
}

constexpr std::array kMptNames{
    GgufName{"token_embd", "transformer.wte"},
    GgufName{"output_norm", "transformer.norm_f"},
    GgufName{"output", "lm_head"},
};
constexpr std::array kMptLayer{
    GgufName{"attn_norm", "norm_1"},          GgufName{"attn_qkv", "attn.Wqkv"},
    GgufName{"attn_output", "attn.out_proj"}, GgufName{"ffn_norm", "norm_2"},
    GgufName{"ffn_up", "ffn.up_proj"},        GgufName{"ffn_down", "ffn.down_proj"},
};

void mpt_config(const GgufKeys& keys, Json& config) {
  gpt_config(keys, config);
  refuse_grouped_heads(keys, config);
  const std::int64_t inner = config["intermediate_size"], width = config["hidden_size"];
  require(inner % width == 0, keys.where("feed_forward_length"), "expected a multiple of {}, came {}", width,
          inner);
  config["expansion_ratio"] = inner / width;
  config.erase("intermediate_size");
  const double alibi = keys.number("attention.max_alibi_bias").value_or(0);
  config["attn_config"] = {{"alibi", alibi > 0}};
  if (alibi > 0) config["attn_config"]["alibi_bias_max"] = alibi;
  if (const double clip = keys.number(kClampKey).value_or(0); clip > 0)
    config["attn_config"]["clip_qkv"] = clip;
  config["no_bias"] = true;
  rename(config, {{"hidden_size", "d_model"},
                  {"num_hidden_layers", "n_layers"},
                  {"num_attention_heads", "n_heads"},
                  {"max_position_embeddings", "max_seq_len"}});
}

void write_mpt(GgufModelWriter& writer) {
  write_gpt(writer);
  const Config attention = writer.config().section("attn_config").value_or(Config());
  writer.f32("attention.max_alibi_bias",
             attention.bool_or("alibi", true) ? attention.number_or("alibi_bias_max", 8) : 0);
  write_clamp(writer, attention);
}

constexpr std::array kPhiNames{
    GgufName{"token_embd", "model.embed_tokens"},
    GgufName{"output_norm", "model.final_layernorm"},
    GgufName{"output", "lm_head"},
};
constexpr auto kPhiLayer = joined(kProjections, std::array{
                                                    GgufName{"attn_norm", "input_layernorm"},
                                                    GgufName{"attn_output", "self_attn.dense"},
                                                    GgufName{"ffn_up", "mlp.fc1"},
                                                    GgufName{"ffn_down", "mlp.fc2"},
                                                });

void phi_config(const GgufKeys& keys, Json& config) {
  gpt_config(keys, config);
  rotary_config(keys, config);
  const std::int64_t heads = config["num_attention_heads"];
  config["num_key_value_heads"] = keys.extent_of_layers("attention.head_count_kv", heads);
  rename(config, {{"layer_norm_epsilon", "layer_norm_eps"}});
}

void write_phi(GgufModelWriter& writer) {
  write_gpt(writer);
  write_rotary(writer, {.partial = 0.5});
}

constexpr std::string_view kMptKeys[]{"attention.max_alibi_bias", kClampKey};

constexpr std::array kRows{
    GgufArchitecture{.name = "gpt2",
                     .model_type = "gpt2",
                     .class_name = "GPT2LMHeadModel",
                     .layer_prefix = "transformer.h.",
                     .optional_root = "transformer.",
                     .names = kGpt2Names,
                     .layer_names = kGpt2Layer,
                     .config = gpt2_config,
                     .write = write_gpt},
    GgufArchitecture{.name = "gptneox",
                     .model_type = "gpt_neox",
                     .class_name = "GPTNeoXForCausalLM",
                     .layer_prefix = "gpt_neox.layers.",
                     .optional_root = "gpt_neox.",
                     .names = kGptNeoXNames,
                     .layer_names = kGptNeoXLayer,
                     .config = gpt_neox_config,
                     .write = write_gpt_neox},
    GgufArchitecture{.name = "bloom",
                     .model_type = "bloom",
                     .class_name = "BloomForCausalLM",
                     .layer_prefix = "transformer.h.",
                     .optional_root = "transformer.",
                     .names = kWordNames,
                     .layer_names = kMegatronLayer,
                     .config = bloom_config,
                     .write = write_gpt},
    GgufArchitecture{.name = "falcon",
                     .model_type = "falcon",
                     .class_name = "FalconForCausalLM",
                     .layer_prefix = "transformer.h.",
                     .optional_root = "transformer.",
                     .names = kWordNames,
                     .layer_names = kFalcon40Layer,
                     .config = falcon_config,
                     .write = write_falcon,
                     .sign = "attn_norm_2"},
    GgufArchitecture{.name = "falcon",
                     .model_type = "falcon",
                     .class_name = "FalconForCausalLM",
                     .layer_prefix = "transformer.h.",
                     .optional_root = "transformer.",
                     .names = kWordNames,
                     .layer_names = kFalconLayer,
                     .config = falcon_config,
                     .write = write_falcon},
    GgufArchitecture{.name = "mpt",
                     .model_type = "mpt",
                     .class_name = "MptForCausalLM",
                     .layer_prefix = "transformer.blocks.",
                     .optional_root = "transformer.",
                     .names = kMptNames,
                     .layer_names = kMptLayer,
                     .config = mpt_config,
                     .write = write_mpt,
                     .keys = kMptKeys},
    GgufArchitecture{.name = "phi2",
                     .model_type = "phi",
                     .class_name = "PhiForCausalLM",
                     .names = kPhiNames,
                     .layer_names = kPhiLayer,
                     .config = phi_config,
                     .write = write_phi},
};

}  // namespace

std::span<const GgufArchitecture> gpt_kin() {
  return kRows;
}

}  // namespace swiftlet::gguf
