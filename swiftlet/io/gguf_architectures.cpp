#include "swiftlet/io/gguf_architectures.h"

#include <array>

#include "swiftlet/core/error.h"
#include "swiftlet/io/gguf_rope.h"

namespace swiftlet {
namespace {

using Json = nlohmann::json;

constexpr std::array kDecoderNames{
    GgufName{"token_embd", "model.embed_tokens"},
    GgufName{"output_norm", "model.norm"},
    GgufName{"output", "lm_head"},
};

constexpr std::array kLlamaLayer{
    GgufName{"attn_norm", "input_layernorm"},    GgufName{"attn_q", "self_attn.q_proj"},
    GgufName{"attn_k", "self_attn.k_proj"},      GgufName{"attn_v", "self_attn.v_proj"},
    GgufName{"attn_output", "self_attn.o_proj"}, GgufName{"attn_q_norm", "self_attn.q_norm"},
    GgufName{"attn_k_norm", "self_attn.k_norm"}, GgufName{"ffn_norm", "post_attention_layernorm"},
    GgufName{"ffn_gate", "mlp.gate_proj"},       GgufName{"ffn_up", "mlp.up_proj"},
    GgufName{"ffn_down", "mlp.down_proj"},
};

constexpr std::array kBertNames{
    GgufName{"token_embd", "embeddings.word_embeddings"},
    GgufName{"token_types", "embeddings.token_type_embeddings"},
    GgufName{"position_embd", "embeddings.position_embeddings"},
    GgufName{"token_embd_norm", "embeddings.LayerNorm"},
};

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

void bert_config(const GgufKeys& keys, Json& config) {
  common_config(keys, config);
  const GgufTensor* types = keys.file.find("token_types.weight");
  require(types != nullptr, keys.file.where_tensor("token_types.weight"), "is missing");
  config["type_vocab_size"] = types->shape.rank() == 2 ? types->shape[0] : 1;
  config["hidden_act"] = "gelu";
  if (const auto eps = keys.number("attention.layer_norm_epsilon")) config["layer_norm_eps"] = *eps;
}

constexpr std::array kArchitectures{
    GgufArchitecture{.name = "llama",
                     .model_type = "llama",
                     .class_name = "LlamaForCausalLM",
                     .layer_prefix = "model.layers.",
                     .names = kDecoderNames,
                     .layer_names = kLlamaLayer,
                     .neighbours = true,
                     .config = llama_config},
    GgufArchitecture{.name = "qwen2",
                     .model_type = "qwen2",
                     .class_name = "Qwen2ForCausalLM",
                     .layer_prefix = "model.layers.",
                     .names = kDecoderNames,
                     .layer_names = kLlamaLayer,
                     .config = decoder_config},
    GgufArchitecture{.name = "qwen3",
                     .model_type = "qwen3",
                     .class_name = "Qwen3ForCausalLM",
                     .layer_prefix = "model.layers.",
                     .names = kDecoderNames,
                     .layer_names = kLlamaLayer,
                     .config = decoder_config},
    GgufArchitecture{.name = "bert",
                     .model_type = "bert",
                     .class_name = "BertModel",
                     .layer_prefix = "encoder.layer.",
                     .names = kBertNames,
                     .layer_names = kBertLayer,
                     .config = bert_config},
};

}  // namespace

std::span<const GgufArchitecture> gguf_architectures() {
  return kArchitectures;
}

}  // namespace swiftlet
