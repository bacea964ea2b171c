#include "swiftlet/io/gguf_architectures.h"

#include <array>

#include "swiftlet/core/error.h"
#include "swiftlet/io/gguf_metadata.h"
#include "swiftlet/io/gguf_rope.h"

namespace swiftlet {
namespace {

using Json = nlohmann::json;

constexpr std::array kDecoderNames{
    GgufName{"token_embd", "model.embed_tokens"},
    GgufName{"output_norm", "model.norm"},
    GgufName{"output", "lm_head"},
};

template <std::size_t... sizes>
constexpr auto joined(const std::array<GgufName, sizes>&... parts) {
  std::array<GgufName, (sizes + ...)> all{};
  std::size_t at = 0;
  const auto append = [&](const auto& part) {
    for (const GgufName& name : part) all[at++] = name;
  };
  (append(parts), ...);
  return all;
}

constexpr std::array kAttention{
    GgufName{"attn_norm", "input_layernorm"},    GgufName{"attn_q", "self_attn.q_proj"},
    GgufName{"attn_k", "self_attn.k_proj"},      GgufName{"attn_v", "self_attn.v_proj"},
    GgufName{"attn_output", "self_attn.o_proj"},
};
constexpr std::array kHeadNorms{
    GgufName{"attn_q_norm", "self_attn.q_norm"},
    GgufName{"attn_k_norm", "self_attn.k_norm"},
};

constexpr auto kLlamaLayer = joined(kAttention, kHeadNorms,
                                    std::array{
                                        GgufName{"ffn_norm", "post_attention_layernorm"},
                                        GgufName{"ffn_gate", "mlp.gate_proj"},
                                        GgufName{"ffn_up", "mlp.up_proj"},
                                        GgufName{"ffn_down", "mlp.down_proj"},
                                    });

// Gemma 2 and 3: norms on both sides.
constexpr auto kGemma2Layer = joined(kAttention, kHeadNorms,
                                     std::array{
                                         GgufName{"post_attention_norm", "post_attention_layernorm"},
                                         GgufName{"ffn_norm", "pre_feedforward_layernorm"},
                                         GgufName{"post_ffw_norm", "post_feedforward_layernorm"},
                                         GgufName{"ffn_gate", "mlp.gate_proj"},
                                         GgufName{"ffn_up", "mlp.up_proj"},
                                         GgufName{"ffn_down", "mlp.down_proj"},
                                     });

constexpr std::array kPhi3Layer{
    GgufName{"attn_norm", "input_layernorm"},    GgufName{"attn_qkv", "self_attn.qkv_proj"},
    GgufName{"attn_output", "self_attn.o_proj"}, GgufName{"ffn_norm", "post_attention_layernorm"},
    GgufName{"ffn_up", "mlp.gate_up_proj"},      GgufName{"ffn_down", "mlp.down_proj"},
};

constexpr auto kMixtralLayer =
    joined(kAttention, std::array{
                           GgufName{"ffn_norm", "post_attention_layernorm"},
                           GgufName{"ffn_gate_inp", "block_sparse_moe.gate"},
                           GgufName{"ffn_gate_exps", "block_sparse_moe.experts.*.w1"},
                           GgufName{"ffn_up_exps", "block_sparse_moe.experts.*.w3"},
                           GgufName{"ffn_down_exps", "block_sparse_moe.experts.*.w2"},
                       });

// Of Qwen's and OLMo's mixtures; layers without one have the names of Llama's.
constexpr auto kQwenMoeLayer = joined(kAttention, kHeadNorms,
                                      std::array{
                                          GgufName{"ffn_norm", "post_attention_layernorm"},
                                          GgufName{"ffn_gate_inp", "mlp.gate"},
                                          GgufName{"ffn_gate_exps", "mlp.experts.*.gate_proj"},
                                          GgufName{"ffn_up_exps", "mlp.experts.*.up_proj"},
                                          GgufName{"ffn_down_exps", "mlp.experts.*.down_proj"},
                                          GgufName{"ffn_gate_inp_shexp", "mlp.shared_expert_gate"},
                                          GgufName{"ffn_gate_shexp", "mlp.shared_expert.gate_proj"},
                                          GgufName{"ffn_up_shexp", "mlp.shared_expert.up_proj"},
                                          GgufName{"ffn_down_shexp", "mlp.shared_expert.down_proj"},
                                      });

constexpr auto kGptOssLayer =
    joined(kAttention, std::array{
                           GgufName{"attn_sinks", "self_attn.sinks"},
                           GgufName{"post_attention_norm", "post_attention_layernorm"},
                           GgufName{"ffn_gate_inp", "mlp.router"},
                           GgufName{"ffn_gate_exps", "mlp.experts.*.gate_proj"},
                           GgufName{"ffn_up_exps", "mlp.experts.*.up_proj"},
                           GgufName{"ffn_down_exps", "mlp.experts.*.down_proj"},
                       });

constexpr std::array kBertNames{
    GgufName{"token_embd", "embeddings.word_embeddings"},
    GgufName{"token_types", "embeddings.token_type_embeddings"},
    GgufName{"position_embd", "embeddings.position_embeddings"},
    GgufName{"token_embd_norm", "embeddings.LayerNorm"},
};

// The head of RoBERTa's kind, which re-rankers have.
constexpr auto kRobertaNames = joined(kBertNames, std::array{
                                                      GgufName{"cls", "classifier.dense"},
                                                      GgufName{"cls.output", "classifier.out_proj"},
                                                  });

constexpr std::array kBertLayer{
    GgufName{"attn_q", "attention.self.query"},
    GgufName{"attn_k", "attention.self.key"},
    GgufName{"attn_v", "attention.self.value"},
    GgufName{"attn_output", "attention.output.dense"},
    GgufName{"attn_output_norm", "attention.output.LayerNorm"},
    GgufName{"ffn_up", "intermediate.dense"},
    GgufName{"ffn_down", "output.dense"},
    GgufName{"layer_output_norm", "output.LayerNorm"},
};

std::int64_t vocabulary_size(const GgufFile& file) {
  const GgufTensor* table = file.find("token_embd.weight");
  require(table != nullptr && table->shape.rank() == 2, file.where_tensor("token_embd.weight"),
          "expected a matrix of embeddings, there is none");
  return table->shape[0];
}

void common_config(const GgufKeys& keys, Json& config) {
  config["hidden_size"] = keys.extent("embedding_length");
  config["num_hidden_layers"] = keys.extent("block_count");
  config["intermediate_size"] = keys.extent_of_layers("feed_forward_length");
  config["max_position_embeddings"] = keys.extent("context_length");
  config["num_attention_heads"] = keys.extent_of_layers("attention.head_count");
  config["vocab_size"] = vocabulary_size(keys.file);
}

// What decoders with rotary positions and RMSNorm share.
void decoder_config(const GgufKeys& keys, Json& config) {
  common_config(keys, config);
  const std::int64_t heads = config["num_attention_heads"], width = config["hidden_size"];
  config["num_key_value_heads"] = keys.extent_of_layers("attention.head_count_kv", heads);
  const std::int64_t head_dim =
      keys.file.has(keys.key("attention.key_length")) ? keys.extent("attention.key_length") : width / heads;
  const std::int64_t value_dim = keys.integer("attention.value_length").value_or(head_dim);
  if (value_dim != head_dim)
    fail(ErrorCode::kUnsupported, keys.where("attention.value_length"),
         "heads whose values have another size ({}) than their keys ({}) are not available", value_dim,
         head_dim);
  require(head_dim >= 1, keys.where("attention.head_count"), "expected at most {} heads, came {}", width,
          heads);
  config["head_dim"] = head_dim;
  if (const auto eps = keys.number("attention.layer_norm_rms_epsilon")) config["rms_norm_eps"] = *eps;
  config["hidden_act"] = "silu";
  config["tie_word_embeddings"] = keys.file.find("output.weight") == nullptr;
  if (const auto causal = keys.boolean("attention.causal"); causal && !*causal)
    fail(ErrorCode::kUnsupported, keys.where("attention.causal"),
         "a decoder that looks ahead is not available");
  read_gguf_rope(keys, head_dim, config);
}

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

void gemma_config(const GgufKeys& keys, Json& config) {
  decoder_config(keys, config);
  config.erase("hidden_act");
  config["hidden_activation"] = "gelu_pytorch_tanh";
}

// `widest`: the layers of the one size whose scores are divided by another root than that of a head.
void later_gemma_config(const GgufKeys& keys, Json& config, std::int64_t widest) {
  gemma_config(keys, config);
  const std::int64_t width = config["hidden_size"], heads = config["num_attention_heads"];
  config["query_pre_attn_scalar"] =
      config["num_hidden_layers"] == widest ? Json(width / heads) : config["head_dim"];
  if (keys.file.has(keys.key("attention.sliding_window")))
    config["sliding_window"] = keys.extent("attention.sliding_window");
}

void gemma2_config(const GgufKeys& keys, Json& config) {
  later_gemma_config(keys, config, 46);
  for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping"})
    if (const auto cap = keys.number(key)) config[key] = *cap;
}

void gemma3_config(const GgufKeys& keys, Json& config) {
  later_gemma_config(keys, config, 62);
  if (!keys.number("rope.freq_base")) config["rope_theta"] = 1e6;
  config["rope_local_base_freq"] = keys.number("rope.freq_base_swa").value_or(10000);
  config["sliding_window_pattern"] = 6;  // files do not say it
}

// How many experts there are, and how wide they are: the key, or the tensor itself.
void experts_config(const GgufKeys& keys, Json& config, const char* count, const char* width) {
  config[count] = keys.extent("expert_count");
  config["num_experts_per_tok"] = keys.extent("expert_used_count");
  const GgufTensor* gate = keys.file.find("blk.0.ffn_gate_exps.weight");
  require(gate != nullptr && gate->shape.rank() == 3, keys.file.where_tensor("blk.0.ffn_gate_exps.weight"),
          "expected a tensor of all experts, there is none");
  config[width] = gate->shape[1];
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
  if (config.contains("rope_scaling"))
    config["rope_scaling"]["truncate"] = false;  // files do not say it
  else
    config["rope_scaling"] = {{"rope_type", "default"}};
}

constexpr std::string_view kExpertKeys[]{"expert_feed_forward_length", "expert_shared_feed_forward_length"};
constexpr std::string_view kGptOssKeys[]{"expert_feed_forward_length", "attention.sliding_window"};
constexpr std::string_view kGraniteKeys[]{"attention.scale", "embedding_scale", "residual_scale",
                                          "logit_scale"};
constexpr std::string_view kWindowKeys[]{"attention.sliding_window"};
constexpr std::string_view kGemmaKeys[]{"attention.sliding_window", "attn_logit_softcapping",
                                        "final_logit_softcapping", "rope.freq_base_swa"};

void bert_config(const GgufKeys& keys, Json& config) {
  common_config(keys, config);
  const GgufTensor* types = keys.file.find("token_types.weight");
  require(types != nullptr, keys.file.where_tensor("token_types.weight"), "is missing");
  config["type_vocab_size"] = types->shape.rank() == 2 ? types->shape[0] : 1;
  config["hidden_act"] = "gelu";
  if (const auto eps = keys.number("attention.layer_norm_epsilon")) config["layer_norm_eps"] = *eps;
}

// With labels, or with the one score of a re-ranker.
void head_config(const GgufKeys& keys, Json& config, const char* class_name) {
  const GgufTensor* head = keys.file.find("cls.output.weight");
  if (head == nullptr) return;
  config["architectures"] = {class_name};
  const std::int64_t count = head->shape.rank() == 2 ? head->shape[0] : 1;
  const std::vector<std::string_view> labels = keys.file.texts(keys.key("classifier.output_labels"));
  require(labels.empty() || std::ssize(labels) == count, keys.where("classifier.output_labels"),
          "expected {} labels, came {}", count, labels.size());
  for (std::int64_t i = 0; i < count; ++i)
    config["id2label"][std::to_string(i)] =
        labels.empty() ? fmt::format("LABEL_{}", i) : printable(labels[static_cast<std::size_t>(i)]);
}

void roberta_config(const GgufKeys& keys, Json& config) {
  bert_config(keys, config);
  const std::int64_t padding = keys.file.integer("tokenizer.ggml.padding_token_id").value_or(1);
  const GgufTensor* positions = keys.file.find(kGgufPositions);
  require(positions != nullptr && positions->shape.rank() == 2, keys.file.where_tensor(kGgufPositions),
          "expected a matrix of positions, there is none");
  config["pad_token_id"] = padding;
  config["max_position_embeddings"] = positions->shape[0] + padding + 1;
  head_config(keys, config, "RobertaForSequenceClassification");
}

void xlm_roberta_config(const GgufKeys& keys, Json& config) {
  roberta_config(keys, config);
  head_config(keys, config, "XLMRobertaForSequenceClassification");
}

constexpr std::string_view kHeadKeys[]{"classifier.output_labels"};

constexpr std::array kArchitectures{
    GgufArchitecture{.name = "llama",
                     .model_type = "llama",
                     .class_name = "LlamaForCausalLM",
                     .layer_prefix = "model.layers.",
                     .names = kDecoderNames,
                     .layer_names = kLlamaLayer,
                     .neighbours = true,
                     .config = llama_config,
                     .write = write_gguf_decoder},
    GgufArchitecture{.name = "llama",
                     .model_type = "mixtral",
                     .class_name = "MixtralForCausalLM",
                     .layer_prefix = "model.layers.",
                     .names = kDecoderNames,
                     .layer_names = kMixtralLayer,
                     .neighbours = true,
                     .config = mixtral_config,
                     .mixture = true},
    GgufArchitecture{.name = "qwen2moe",
                     .model_type = "qwen2_moe",
                     .class_name = "Qwen2MoeForCausalLM",
                     .layer_prefix = "model.layers.",
                     .names = kDecoderNames,
                     .layer_names = kQwenMoeLayer,
                     .config = qwen2_moe_config,
                     .keys = kExpertKeys,
                     .mixture = true},
    GgufArchitecture{.name = "qwen3moe",
                     .model_type = "qwen3_moe",
                     .class_name = "Qwen3MoeForCausalLM",
                     .layer_prefix = "model.layers.",
                     .names = kDecoderNames,
                     .layer_names = kQwenMoeLayer,
                     .config = qwen3_moe_config,
                     .keys = kExpertKeys,
                     .mixture = true},
    GgufArchitecture{.name = "olmoe",
                     .model_type = "olmoe",
                     .class_name = "OlmoeForCausalLM",
                     .layer_prefix = "model.layers.",
                     .names = kDecoderNames,
                     .layer_names = kQwenMoeLayer,
                     .config = olmoe_config,
                     .keys = kExpertKeys,
                     .mixture = true},
    GgufArchitecture{.name = "gpt-oss",
                     .model_type = "gpt_oss",
                     .class_name = "GptOssForCausalLM",
                     .layer_prefix = "model.layers.",
                     .names = kDecoderNames,
                     .layer_names = kGptOssLayer,
                     .config = gpt_oss_config,
                     .keys = kGptOssKeys,
                     .mixture = true},
    GgufArchitecture{.name = "qwen2",
                     .model_type = "qwen2",
                     .class_name = "Qwen2ForCausalLM",
                     .layer_prefix = "model.layers.",
                     .names = kDecoderNames,
                     .layer_names = kLlamaLayer,
                     .config = decoder_config,
                     .write = write_gguf_decoder},
    GgufArchitecture{.name = "qwen3",
                     .model_type = "qwen3",
                     .class_name = "Qwen3ForCausalLM",
                     .layer_prefix = "model.layers.",
                     .names = kDecoderNames,
                     .layer_names = kLlamaLayer,
                     .config = decoder_config,
                     .write = write_gguf_decoder},
    GgufArchitecture{.name = "granite",
                     .model_type = "granite",
                     .class_name = "GraniteForCausalLM",
                     .layer_prefix = "model.layers.",
                     .names = kDecoderNames,
                     .layer_names = kLlamaLayer,
                     .neighbours = true,
                     .config = granite_config,
                     .write = write_gguf_granite,
                     .keys = kGraniteKeys},
    GgufArchitecture{.name = "smollm3",
                     .model_type = "smollm3",
                     .class_name = "SmolLM3ForCausalLM",
                     .layer_prefix = "model.layers.",
                     .names = kDecoderNames,
                     .layer_names = kLlamaLayer,
                     .neighbours = true,
                     .config = smollm3_config,
                     .write = write_gguf_decoder},
    GgufArchitecture{.name = "olmo2",
                     .model_type = "olmo2",
                     .class_name = "Olmo2ForCausalLM",
                     .layer_prefix = "model.layers.",
                     .names = kDecoderNames,
                     .layer_names = kGemma2Layer,
                     .config = olmo2_config,
                     .write = write_gguf_decoder,
                     .keys = kWindowKeys},
    GgufArchitecture{.name = "phi3",
                     .model_type = "phi3",
                     .class_name = "Phi3ForCausalLM",
                     .layer_prefix = "model.layers.",
                     .names = kDecoderNames,
                     .layer_names = kPhi3Layer,
                     .config = phi3_config,
                     .write = write_gguf_windowed,
                     .keys = kWindowKeys},
    GgufArchitecture{.name = "gemma",
                     .model_type = "gemma",
                     .class_name = "GemmaForCausalLM",
                     .layer_prefix = "model.layers.",
                     .names = kDecoderNames,
                     .layer_names = kLlamaLayer,
                     .config = gemma_config,
                     .write = write_gguf_decoder,
                     .norm_offset = -1},
    GgufArchitecture{.name = "gemma2",
                     .model_type = "gemma2",
                     .class_name = "Gemma2ForCausalLM",
                     .layer_prefix = "model.layers.",
                     .names = kDecoderNames,
                     .layer_names = kGemma2Layer,
                     .config = gemma2_config,
                     .write = write_gguf_gemma2,
                     .norm_offset = -1,
                     .keys = kGemmaKeys},
    GgufArchitecture{.name = "gemma3",
                     .model_type = "gemma3_text",
                     .class_name = "Gemma3ForCausalLM",
                     .layer_prefix = "model.layers.",
                     .names = kDecoderNames,
                     .layer_names = kGemma2Layer,
                     .config = gemma3_config,
                     .write = write_gguf_gemma3,
                     .norm_offset = -1,
                     .keys = kGemmaKeys},
    GgufArchitecture{.name = "bert",
                     .model_type = "xlm-roberta",
                     .class_name = "XLMRobertaModel",
                     .layer_prefix = "encoder.layer.",
                     .names = kRobertaNames,
                     .layer_names = kBertLayer,
                     .config = xlm_roberta_config,
                     .write = write_gguf_roberta,
                     .keys = kHeadKeys,
                     .root = "roberta.",
                     .vocabulary = "t5",
                     .positions_behind_padding = true},
    GgufArchitecture{.name = "bert",
                     .model_type = "roberta",
                     .class_name = "RobertaModel",
                     .layer_prefix = "encoder.layer.",
                     .names = kRobertaNames,
                     .layer_names = kBertLayer,
                     .config = roberta_config,
                     .write = write_gguf_roberta,
                     .keys = kHeadKeys,
                     .root = "roberta.",
                     .vocabulary = "gpt2",
                     .positions_behind_padding = true},
    GgufArchitecture{.name = "bert",
                     .model_type = "bert",
                     .class_name = "BertModel",
                     .layer_prefix = "encoder.layer.",
                     .names = kBertNames,
                     .layer_names = kBertLayer,
                     .config = bert_config,
                     .write = write_gguf_bert},
};

}  // namespace

std::span<const GgufArchitecture> gguf_architectures() {
  return kArchitectures;
}

}  // namespace swiftlet
