// Rows of gguf_architectures.h: Llama and the decoders that are made like it.
#include "swiftlet/core/error.h"
#include "swiftlet/io/gguf_rope.h"
#include "swiftlet/io/gguf_tables.h"

namespace swiftlet::gguf {
namespace {

constexpr std::array kPhi3Layer{
    GgufName{"attn_norm", "input_layernorm"},    GgufName{"attn_qkv", "self_attn.qkv_proj"},
    GgufName{"attn_output", "self_attn.o_proj"}, GgufName{"ffn_norm", "post_attention_layernorm"},
    GgufName{"ffn_up", "mlp.gate_up_proj"},      GgufName{"ffn_down", "mlp.down_proj"},
};

void smollm3_config(const GgufKeys& keys, Json& config) {
  llama_config(keys, config);
  config["no_rope_layer_interval"] = 4;  // files do not say it
}

void olmo2_config(const GgufKeys& keys, Json& config) {
  decoder_config(keys, config);
  if (keys.integer("attention.sliding_window").value_or(0) > 0)
    fail(ErrorCode::kUnsupported, keys.where("attention.sliding_window"), "OLMo 3 is not available");
}

void phi3_config(const GgufKeys& keys, Json& config) {
  decoder_config(keys, config);
  const std::int64_t window = keys.integer("attention.sliding_window").value_or(0);
  if (window > 0) config["sliding_window"] = window;
}

void write_granite(GgufModelWriter& writer) {
  write_gguf_decoder(writer);
  write_multipliers(writer);
}

void write_phi3(GgufModelWriter& writer) {
  write_gguf_decoder(writer);
  write_window(writer, 0);
}

// StableLM: LayerNorm, a norm for the heads of the largest, one norm for both halves there.
constexpr auto kStableLmLayer = joined(kAttention, kGatedMlp,
                                       std::array{
                                           GgufName{"ffn_norm", "post_attention_layernorm"},
                                           GgufName{"attn_q_norm", "self_attn.q_layernorm.norms.*"},
                                           GgufName{"attn_k_norm", "self_attn.k_layernorm.norms.*"},
                                       });

bool has(const GgufKeys& keys, std::string_view tensor) {
  return keys.file.find(tensor) != nullptr;
}

bool has_bias(const GgufKeys& keys) {
  return has(keys, "blk.0.attn_q.bias") || has(keys, "blk.0.attn_qkv.bias");
}

void stablelm_config(const GgufKeys& keys, Json& config) {
  decoder_config(keys, config);
  config.emplace("partial_rotary_factor", 1.0);
  config["layer_norm_eps"] = layer_norm_epsilon(keys);
  config["use_qkv_bias"] = has_bias(keys);
  config["qk_layernorm"] = has(keys, "blk.0.attn_q_norm.weight");
  config["use_parallel_residual"] = !has(keys, "blk.0.ffn_norm.weight");
}

void write_stablelm(GgufModelWriter& writer) {
  write_common(writer);
  write_layer_norm(writer);
  write_rotary(writer, {.partial = 0.25});
  writer.boolean("use_parallel_residual", writer.config().bool_or("use_parallel_residual", false));
}

// OLMo: norms without weights.
constexpr auto kOlmoLayer = joined(kAttention, kGatedMlp);

void olmo_config(const GgufKeys& keys, Json& config) {
  decoder_config(keys, config);
  if (const double clip = keys.number(kClampKey).value_or(0); clip > 0) config["clip_qkv"] = clip;
}

void write_olmo(GgufModelWriter& writer) {
  write_common(writer);
  write_layer_norm(writer);
  write_rotary(writer);
  write_clamp(writer, writer.config());
}

// Command R: one norm for both halves.
constexpr auto kCohereLayer = joined(kAttention, kHeadNorms, kGatedMlp);

void cohere_config(const GgufKeys& keys, Json& config) {
  decoder_config(keys, config);
  config["layer_norm_eps"] = layer_norm_epsilon(keys);
  config["logit_scale"] = keys.number("logit_scale").value_or(1);
  config["attention_bias"] = has_bias(keys);
}

void command_r_config(const GgufKeys& keys, Json& config) {
  cohere_config(keys, config);
  config["use_qk_norm"] = has(keys, "blk.0.attn_q_norm.weight");
}

void cohere2_config(const GgufKeys& keys, Json& config) {
  cohere_config(keys, config);
  config["sliding_window"] = keys.extent("attention.sliding_window");
  layer_types_config(keys, config, "sliding_window_pattern");
}

void write_cohere(GgufModelWriter& writer, double theta) {
  write_common(writer);
  write_layer_norm(writer);
  write_rotary(writer, {.theta = theta});
  writer.f32("logit_scale", writer.config().number_or("logit_scale", 0.0625));
}

void write_command_r(GgufModelWriter& writer) {
  write_cohere(writer, 500000);
}

void write_cohere2(GgufModelWriter& writer) {
  write_cohere(writer, 10000);
  write_window(writer, 4096);
  write_layer_types(writer);
}

// GLM-4: a fused gate; the later ones with norms on both sides.
constexpr auto kGlmLayer = joined(kAttention, std::array{
                                                  GgufName{"ffn_norm", "post_attention_layernorm"},
                                                  GgufName{"ffn_up", "mlp.gate_up_proj"},
                                                  GgufName{"ffn_down", "mlp.down_proj"},
                                              });
constexpr auto kGlm4Layer = joined(kGlmLayer, std::array{
                                                  GgufName{"post_attention_norm", "post_self_attn_layernorm"},
                                                  GgufName{"post_ffw_norm", "post_mlp_layernorm"},
                                              });

void glm_config(const GgufKeys& keys, Json& config) {
  decoder_config(keys, config);
  config.emplace("partial_rotary_factor", 1.0);
  config["attention_bias"] = has_bias(keys);
}

void write_glm(GgufModelWriter& writer) {
  write_common(writer);
  writer.f32("attention.layer_norm_rms_epsilon", writer.config().number_or("rms_norm_eps", 1.5625e-7, 0, 1));
  write_rotary(writer, {.partial = 0.5});
}

constexpr std::string_view kClampKeys[]{kClampKey};
constexpr std::string_view kCohereKeys[]{"logit_scale"};
constexpr std::string_view kCohere2Keys[]{"logit_scale", "attention.sliding_window",
                                          "attention.sliding_window_pattern"};
constexpr std::array kRows{
    GgufArchitecture{.name = "llama",
                     .model_type = "llama",
                     .class_name = "LlamaForCausalLM",
                     .names = kDecoderNames,
                     .layer_names = kLlamaLayer,
                     .neighbours = true,
                     .config = llama_config,
                     .write = write_gguf_decoder},
    GgufArchitecture{.name = "qwen2",
                     .model_type = "qwen2",
                     .class_name = "Qwen2ForCausalLM",
                     .names = kDecoderNames,
                     .layer_names = kLlamaLayer,
                     .config = decoder_config,
                     .write = write_gguf_decoder},
    GgufArchitecture{.name = "qwen3",
                     .model_type = "qwen3",
                     .class_name = "Qwen3ForCausalLM",
                     .names = kDecoderNames,
                     .layer_names = kLlamaLayer,
                     .config = decoder_config,
                     .write = write_gguf_decoder},
    GgufArchitecture{.name = "granite",
                     .model_type = "granite",
                     .class_name = "GraniteForCausalLM",
                     .names = kDecoderNames,
                     .layer_names = kLlamaLayer,
                     .neighbours = true,
                     .config = granite_config,
                     .write = write_granite,
                     .keys = kGraniteKeys},
    GgufArchitecture{.name = "smollm3",
                     .model_type = "smollm3",
                     .class_name = "SmolLM3ForCausalLM",
                     .names = kDecoderNames,
                     .layer_names = kLlamaLayer,
                     .neighbours = true,
                     .config = smollm3_config,
                     .write = write_gguf_decoder},
    GgufArchitecture{.name = "olmo",
                     .model_type = "olmo",
                     .class_name = "OlmoForCausalLM",
                     .names = kDecoderNames,
                     .layer_names = kOlmoLayer,
                     .neighbours = true,
                     .config = olmo_config,
                     .write = write_olmo,
                     .keys = kClampKeys},
    GgufArchitecture{.name = "olmo2",
                     .model_type = "olmo2",
                     .class_name = "Olmo2ForCausalLM",
                     .names = kDecoderNames,
                     .layer_names = kBothSidesLayer,
                     .config = olmo2_config,
                     .write = write_gguf_decoder,
                     .keys = kWindowKeys},
    GgufArchitecture{.name = "phi3",
                     .model_type = "phi3",
                     .class_name = "Phi3ForCausalLM",
                     .names = kDecoderNames,
                     .layer_names = kPhi3Layer,
                     .config = phi3_config,
                     .write = write_phi3,
                     .keys = kWindowKeys},
    GgufArchitecture{.name = "stablelm",
                     .model_type = "stablelm",
                     .class_name = "StableLmForCausalLM",
                     .names = kDecoderNames,
                     .layer_names = kStableLmLayer,
                     .config = stablelm_config,
                     .write = write_stablelm},
    GgufArchitecture{.name = "command-r",
                     .model_type = "cohere",
                     .class_name = "CohereForCausalLM",
                     .names = kDecoderNames,
                     .layer_names = kCohereLayer,
                     .config = command_r_config,
                     .write = write_command_r,
                     .keys = kCohereKeys},
    GgufArchitecture{.name = "cohere2",
                     .model_type = "cohere2",
                     .class_name = "Cohere2ForCausalLM",
                     .names = kDecoderNames,
                     .layer_names = kCohereLayer,
                     .config = cohere2_config,
                     .write = write_cohere2,
                     .keys = kCohere2Keys},
    GgufArchitecture{.name = "chatglm",
                     .model_type = "glm",
                     .class_name = "GlmForCausalLM",
                     .names = kDecoderNames,
                     .layer_names = kGlmLayer,
                     .config = glm_config,
                     .write = write_glm},
    GgufArchitecture{.name = "glm4",
                     .model_type = "glm4",
                     .class_name = "Glm4ForCausalLM",
                     .names = kDecoderNames,
                     .layer_names = kGlm4Layer,
                     .config = glm_config,
                     .write = write_glm},
};

}  // namespace

void llama_config(const GgufKeys& keys, Json& config) {
  decoder_config(keys, config);
  if (config.contains("partial_rotary_factor"))
    fail(ErrorCode::kUnsupported, keys.where("rope.dimension_count"),
         "a rotation of part of a head is not available");
  config["attention_bias"] = keys.file.find("blk.0.attn_output.bias") != nullptr;
  config["mlp_bias"] = keys.file.find("blk.0.ffn_down.bias") != nullptr;
  const bool queries_only = keys.file.find("blk.0.attn_q.bias") != nullptr && !config["attention_bias"];
  if (queries_only)
    fail(ErrorCode::kUnsupported, keys.file.where_tensor("blk.0.attn_q.bias"),
         "a bias of queries without one of the output is not available");
}

// Llama with four multipliers.
void granite_config(const GgufKeys& keys, Json& config) {
  llama_config(keys, config);
  constexpr std::pair<std::string_view, const char*> kMultipliers[]{
      {"attention.scale", "attention_multiplier"},
      {"embedding_scale", "embedding_multiplier"},
      {"residual_scale", "residual_multiplier"},
      {"logit_scale", "logits_scaling"}};
  for (const auto& [key, name] : kMultipliers)
    if (const auto value = keys.number(key)) config[name] = *value;
}

void write_multipliers(GgufModelWriter& writer) {
  const Config& config = writer.config();
  writer.f32("attention.scale", config.number_or("attention_multiplier", 1));
  writer.f32("embedding_scale", config.number_or("embedding_multiplier", 1));
  writer.f32("residual_scale", config.number_or("residual_multiplier", 1));
  writer.f32("logit_scale", config.number_or("logits_scaling", 1));
}

std::span<const GgufArchitecture> decoders() {
  return kRows;
}

}  // namespace swiftlet::gguf
