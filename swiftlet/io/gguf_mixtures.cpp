// Rows of gguf_architectures.h: decoders with mixtures of experts.
#include "swiftlet/core/error.h"
#include "swiftlet/io/gguf_tables.h"

namespace swiftlet::gguf {
namespace {

constexpr auto kMixtralLayer =
    joined(kAttention, std::array{
                           GgufName{"ffn_norm", "post_attention_layernorm"},
                           GgufName{"ffn_gate_inp", "block_sparse_moe.gate"},
                           GgufName{"ffn_gate_exps", "block_sparse_moe.experts.*.w1"},
                           GgufName{"ffn_up_exps", "block_sparse_moe.experts.*.w3"},
                           GgufName{"ffn_down_exps", "block_sparse_moe.experts.*.w2"},
                           GgufName{"ffn_gate_up_exps", "block_sparse_moe.experts.*.w1", GgufForm::kGates},
                           GgufName{"ffn_gate_up_exps", "block_sparse_moe.experts.*.w3", GgufForm::kUps},
                           // The first files of Mixtral had a tensor for every expert.
                           GgufName{"ffn_gate.*", "block_sparse_moe.experts.*.w1"},
                           GgufName{"ffn_up.*", "block_sparse_moe.experts.*.w3"},
                           GgufName{"ffn_down.*", "block_sparse_moe.experts.*.w2"},
                       });

constexpr auto kGraniteMoeLayer = joined(
    kAttention, std::array{
                    GgufName{"ffn_norm", "post_attention_layernorm"},
                    GgufName{"ffn_gate_inp", "block_sparse_moe.router.layer"},
                    GgufName{"ffn_gate_exps", "block_sparse_moe.experts.*.gate_proj"},
                    GgufName{"ffn_up_exps", "block_sparse_moe.experts.*.up_proj"},
                    GgufName{"ffn_down_exps", "block_sparse_moe.experts.*.down_proj"},
                    GgufName{"ffn_gate_up_exps", "block_sparse_moe.experts.*.gate_proj", GgufForm::kGates},
                    GgufName{"ffn_gate_up_exps", "block_sparse_moe.experts.*.up_proj", GgufForm::kUps},
                });

constexpr std::array kExperts{
    GgufName{"ffn_gate_exps", "mlp.experts.*.gate_proj"},
    GgufName{"ffn_up_exps", "mlp.experts.*.up_proj"},
    GgufName{"ffn_down_exps", "mlp.experts.*.down_proj"},
    GgufName{"ffn_gate_up_exps", "mlp.experts.*.gate_proj", GgufForm::kGates},
    GgufName{"ffn_gate_up_exps", "mlp.experts.*.up_proj", GgufForm::kUps},
};

// Of Qwen's and OLMo's mixtures.
constexpr auto kQwenMoeLayer =
    joined(kAttention, kHeadNorms, kExperts,
           std::array{
               GgufName{"ffn_norm", "post_attention_layernorm"},
               GgufName{"ffn_gate_inp", "mlp.gate"},
               GgufName{"ffn_gate_inp_shexp", "mlp.shared_expert_gate", GgufForm::kOneRow},
               GgufName{"ffn_gate_shexp", "mlp.shared_expert.gate_proj"},
               GgufName{"ffn_up_shexp", "mlp.shared_expert.up_proj"},
               GgufName{"ffn_down_shexp", "mlp.shared_expert.down_proj"},
           });

constexpr auto kGptOssLayer = joined(kAttention, kExperts,
                                     std::array{
                                         GgufName{"attn_sinks", "self_attn.sinks", GgufForm::kBare},
                                         GgufName{"post_attention_norm", "post_attention_layernorm"},
                                         GgufName{"ffn_gate_inp", "mlp.router"},
                                     });

// How many experts there are, and how wide they are: the key, or the tensor itself.
void experts_config(const GgufKeys& keys, Json& config, const char* count, const char* width) {
  config[count] = keys.extent("expert_count");
  config["num_experts_per_tok"] = keys.extent("expert_used_count");
  constexpr std::string_view kAll = "blk.0.ffn_down_exps.weight", kFirst = "blk.0.ffn_down.0.weight";
  const GgufTensor* all = keys.file.find(kAll);
  const GgufTensor* down = all != nullptr ? all : keys.file.find(kFirst);
  require(down != nullptr && down->shape.rank() == (all != nullptr ? 3U : 2U), keys.file.where_tensor(kAll),
          "expected a tensor of all experts, there is none");
  config[width] = down->shape[down->shape.rank() - 1];
}

void mixtral_config(const GgufKeys& keys, Json& config) {
  llama_config(keys, config);
  config.erase("attention_bias");
  config.erase("mlp_bias");
  experts_config(keys, config, "num_local_experts", "intermediate_size");
}

void qwen2_moe_config(const GgufKeys& keys, Json& config) {
  decoder_config(keys, config);
  experts_config(keys, config, "num_experts", "moe_intermediate_size");
  const GgufTensor* shared = keys.file.find("blk.0.ffn_gate_shexp.weight");
  require(shared != nullptr && shared->shape.rank() == 2,
          keys.file.where_tensor("blk.0.ffn_gate_shexp.weight"), "expected a matrix, there is none");
  config["shared_expert_intermediate_size"] = shared->shape[0];
  config["norm_topk_prob"] = false;  // files do not say it
}

void qwen3_moe_config(const GgufKeys& keys, Json& config) {
  decoder_config(keys, config);
  experts_config(keys, config, "num_experts", "moe_intermediate_size");
  config["norm_topk_prob"] = true;  // files do not say it
}

void olmoe_config(const GgufKeys& keys, Json& config) {
  decoder_config(keys, config);
  experts_config(keys, config, "num_experts", "intermediate_size");
  config["norm_topk_prob"] = false;  // files do not say it
}

void gpt_oss_config(const GgufKeys& keys, Json& config) {
  decoder_config(keys, config);
  experts_config(keys, config, "num_local_experts", "intermediate_size");
  config["sliding_window"] = keys.extent("attention.sliding_window");
  layer_types_config(keys, config, "sliding_window_pattern");
  if (config.contains("rope_scaling"))
    config["rope_scaling"]["truncate"] = false;  // files do not say it
  else
    config["rope_scaling"] = {{"rope_type", "default"}};
}

void granite_moe_config(const GgufKeys& keys, Json& config) {
  granite_config(keys, config);
  config.erase("mlp_bias");
  experts_config(keys, config, "num_local_experts", "intermediate_size");
}

constexpr std::int64_t kMostExperts = 1 << 16;

// Experts: how many there are, and how many a token takes.
void write_mixtral(GgufModelWriter& writer) {
  write_gguf_decoder(writer);
  const std::int64_t experts = writer.extent("blk.0.ffn_gate_exps.weight", 0);
  if (experts == 0)
    fail(ErrorCode::kUnsupported, writer.checkpoint.source,
         "layers without experts among those that have some cannot be written to GGUF");
  writer.u32("expert_count", experts);
  writer.u32("expert_used_count", writer.config().require_int("num_experts_per_tok", 1, kMostExperts));
}

void write_mixture(GgufModelWriter& writer) {
  write_mixtral(writer);
  writer.u32("expert_feed_forward_length", writer.extent("blk.0.ffn_gate_exps.weight", 1));
  if (const std::int64_t shared = writer.extent("blk.0.ffn_gate_shexp.weight", 0); shared > 0)
    writer.u32("expert_shared_feed_forward_length", shared);
}

void write_gpt_oss(GgufModelWriter& writer) {
  write_mixture(writer);
  write_window(writer, 128);
  write_layer_types(writer);
}

void write_granite_moe(GgufModelWriter& writer) {
  write_mixtral(writer);
  write_multipliers(writer);
}

constexpr std::string_view kExpertKeys[]{"expert_feed_forward_length", "expert_shared_feed_forward_length"};
constexpr std::string_view kGptOssKeys[]{"expert_feed_forward_length", "attention.sliding_window",
                                         "attention.sliding_window_pattern"};

constexpr std::array kRows{
    GgufArchitecture{.name = "llama",
                     .model_type = "mixtral",
                     .class_name = "MixtralForCausalLM",
                     .names = kDecoderNames,
                     .layer_names = kMixtralLayer,
                     .neighbours = true,
                     .config = mixtral_config,
                     .write = write_mixtral,
                     .mixture = true},
    GgufArchitecture{.name = "qwen2moe",
                     .model_type = "qwen2_moe",
                     .class_name = "Qwen2MoeForCausalLM",
                     .names = kDecoderNames,
                     .layer_names = kQwenMoeLayer,
                     .config = qwen2_moe_config,
                     .write = write_mixture,
                     .keys = kExpertKeys,
                     .mixture = true},
    GgufArchitecture{.name = "qwen3moe",
                     .model_type = "qwen3_moe",
                     .class_name = "Qwen3MoeForCausalLM",
                     .names = kDecoderNames,
                     .layer_names = kQwenMoeLayer,
                     .config = qwen3_moe_config,
                     .write = write_mixture,
                     .keys = kExpertKeys,
                     .mixture = true},
    GgufArchitecture{.name = "olmoe",
                     .model_type = "olmoe",
                     .class_name = "OlmoeForCausalLM",
                     .names = kDecoderNames,
                     .layer_names = kQwenMoeLayer,
                     .config = olmoe_config,
                     .write = write_mixture,
                     .keys = kExpertKeys,
                     .mixture = true},
    GgufArchitecture{.name = "gpt-oss",
                     .model_type = "gpt_oss",
                     .class_name = "GptOssForCausalLM",
                     .names = kDecoderNames,
                     .layer_names = kGptOssLayer,
                     .config = gpt_oss_config,
                     .write = write_gpt_oss,
                     .keys = kGptOssKeys,
                     .mixture = true},
    GgufArchitecture{.name = "granitemoe",
                     .model_type = "granitemoe",
                     .class_name = "GraniteMoeForCausalLM",
                     .names = kDecoderNames,
                     .layer_names = kGraniteMoeLayer,
                     .neighbours = true,
                     .config = granite_moe_config,
                     .write = write_granite_moe,
                     .keys = kGraniteKeys,
                     .mixture = true},
};

}  // namespace

std::span<const GgufArchitecture> mixtures() {
  return kRows;
}

}  // namespace swiftlet::gguf
