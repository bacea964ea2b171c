// Llama (Touvron et al., 2023; Llama 1 to 3.x) and those that differ from it by a window at most: decoders
// with RMSNorm, rotary positions, grouped heads, SwiGLU.
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

DecoderSpec llama(const Config& config) {
  return llama_spec(config);
}

DecoderSpec mistral(const Config& config) {
  DecoderSpec spec = llama_spec(config, {.kv_heads = 8});
  AttentionLayerSpec& attention = spec.layer.attention;
  attention.bias = attention.output_bias = spec.layer.mlp.bias = spec.layer.mlp.down_bias = false;
  attention.spec.window = window_of(config, 4096);
  return spec;
}

}  // namespace

const Family kLlama{.model_type = "llama",
                    .title = "Llama 1 to 3.x, SmolLM 1 and 2, TinyLlama, Yi, DeepSeek LLM",
                    .kind = Kind::kDecoder,
                    .build = build_from<llama>,
                    .ignores = ignores_buffers};
const Family kMistral{.model_type = "mistral",
                      .title = "Mistral 7B, NeMo, Small",
                      .kind = Kind::kDecoder,
                      .build = build_from<mistral>,
                      .ignores = ignores_buffers};

}  // namespace swiftlet::models
