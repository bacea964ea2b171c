// What the rows of the architectures share: names of tensors, and the keys of their configurations. Only for
// gguf_architectures.cpp and the files that hold its rows.
#pragma once

#include <array>
#include <initializer_list>
#include <span>
#include <utility>

#include "swiftlet/io/gguf_metadata.h"
#include "swiftlet/io/gguf_model.h"

namespace swiftlet::gguf {

using Json = nlohmann::json;

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

inline constexpr std::array kDecoderNames{
    GgufName{"token_embd", "model.embed_tokens"},
    GgufName{"output_norm", "model.norm"},
    GgufName{"output", "lm_head"},
};

inline constexpr std::array kProjections{
    GgufName{"attn_q", "self_attn.q_proj"},
    GgufName{"attn_k", "self_attn.k_proj"},
    GgufName{"attn_v", "self_attn.v_proj"},
    // In files that were made with fused projections.
    GgufName{"attn_qkv", "self_attn.q_proj", GgufForm::kQueries},
    GgufName{"attn_qkv", "self_attn.k_proj", GgufForm::kKeys},
    GgufName{"attn_qkv", "self_attn.v_proj", GgufForm::kValues},
};
inline constexpr auto kAttention = joined(kProjections, std::array{
                                                            GgufName{"attn_norm", "input_layernorm"},
                                                            GgufName{"attn_output", "self_attn.o_proj"},
                                                        });
inline constexpr std::array kHeadNorms{
    GgufName{"attn_q_norm", "self_attn.q_norm"},
    GgufName{"attn_k_norm", "self_attn.k_norm"},
};

inline constexpr std::array kGatedMlp{
    GgufName{"ffn_gate", "mlp.gate_proj"},
    GgufName{"ffn_up", "mlp.up_proj"},
    GgufName{"ffn_down", "mlp.down_proj"},
};

inline constexpr auto kLlamaLayer =
    joined(kAttention, kHeadNorms, std::array{GgufName{"ffn_norm", "post_attention_layernorm"}}, kGatedMlp);

// Norms on both sides: Gemma 2 and 3, OLMo 2.
inline constexpr auto kBothSidesLayer =
    joined(kAttention, kHeadNorms, kGatedMlp,
           std::array{
               GgufName{"post_attention_norm", "post_attention_layernorm"},
               GgufName{"ffn_norm", "pre_feedforward_layernorm"},
               GgufName{"post_ffw_norm", "post_feedforward_layernorm"},
           });

// What all models have; encoders need no more.
void common_config(const GgufKeys& keys, Json& config);
// Decoders with rotary positions: the keys of attention, a tied head where the file has none.
void decoder_config(const GgufKeys& keys, Json& config);
// Gives keys the names that a family has for them.
void rename(Json& config, std::initializer_list<std::pair<const char*, const char*>> names);
// The rotation of heads alone, the part that rotates in any case.
void rotary_config(const GgufKeys& keys, Json& config);
double layer_norm_epsilon(const GgufKeys& keys);
// attention.sliding_window_pattern: a list becomes layer_types, a number the key `every`.
void layer_types_config(const GgufKeys& keys, Json& config, const char* every);
void llama_config(const GgufKeys& keys, Json& config);
void granite_config(const GgufKeys& keys, Json& config);
void write_multipliers(GgufModelWriter& writer);  // of Granite

inline constexpr std::string_view kGraniteKeys[]{"attention.scale", "embedding_scale", "residual_scale",
                                                 "logit_scale"};
inline constexpr std::string_view kClampKey = "attention.clamp_kqv";
inline constexpr std::string_view kWindowKeys[]{"attention.sliding_window"};

// The rows, by topic.
std::span<const GgufArchitecture> decoders();  // Llama and its kin
std::span<const GgufArchitecture> gemmas();
std::span<const GgufArchitecture> gpt_kin();
std::span<const GgufArchitecture> mixtures();
std::span<const GgufArchitecture> encoders();

}  // namespace swiftlet::gguf
