// Rows of gguf_architectures.h: Gemma 1 to 3.
#include "swiftlet/io/gguf_tables.h"

namespace swiftlet::gguf {
namespace {

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
  config["sliding_window_pattern"] = 6;  // where files do not say it
  layer_types_config(keys, config, "sliding_window_pattern");
}

void write_gemma2(GgufModelWriter& writer) {
  write_gguf_decoder(writer);
  write_window(writer, 4096);
  writer.f32("attn_logit_softcapping", writer.config().number_or("attn_logit_softcapping", 50));
  writer.f32("final_logit_softcapping", writer.config().number_or("final_logit_softcapping", 30));
}

void write_gemma3(GgufModelWriter& writer) {
  write_gguf_decoder(writer);
  write_window(writer, 4096);
  write_layer_types(writer);
  writer.f32("rope.freq_base_swa", rope_theta_of_windows(writer.config(), "rope_local_base_freq"));
}

constexpr std::string_view kGemmaKeys[]{"attention.sliding_window", "attn_logit_softcapping",
                                        "final_logit_softcapping", "rope.freq_base_swa",
                                        "attention.sliding_window_pattern"};

constexpr std::array kRows{
    GgufArchitecture{.name = "gemma",
                     .model_type = "gemma",
                     .class_name = "GemmaForCausalLM",
                     .names = kDecoderNames,
                     .layer_names = kLlamaLayer,
                     .config = gemma_config,
                     .write = write_gguf_decoder,
                     .norm_offset = -1},
    GgufArchitecture{.name = "gemma2",
                     .model_type = "gemma2",
                     .class_name = "Gemma2ForCausalLM",
                     .names = kDecoderNames,
                     .layer_names = kBothSidesLayer,
                     .config = gemma2_config,
                     .write = write_gemma2,
                     .norm_offset = -1,
                     .keys = kGemmaKeys},
    GgufArchitecture{.name = "gemma3",
                     .model_type = "gemma3_text",
                     .class_name = "Gemma3ForCausalLM",
                     .names = kDecoderNames,
                     .layer_names = kBothSidesLayer,
                     .config = gemma3_config,
                     .write = write_gemma3,
                     .norm_offset = -1,
                     .keys = kGemmaKeys},
};

}  // namespace

std::span<const GgufArchitecture> gemmas() {
  return kRows;
}

}  // namespace swiftlet::gguf
