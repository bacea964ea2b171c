// GLM-4 (GLM team, 2024; model types glm and glm4): Llama with half of each head rotated in pairs of
// neighbours, a fused gate, biases on queries, keys and values; the later glm4 normalizes what both halves
// add, too.
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

DecoderSpec glm(const Config& config) {
  DecoderSpec spec = llama_spec(config, {.eps = 1.5625e-7,
                                         .attention_bias = true,
                                         .head_dim = 128,
                                         .kv_heads = 2,
                                         .rope = {.partial = 0.5, .interleaved = true}});
  spec.layer.attention.output_bias = spec.layer.mlp.bias = spec.layer.mlp.down_bias = false;
  spec.layer.mlp.fused = "mlp.gate_up_proj";
  return spec;
}

DecoderSpec glm4(const Config& config) {
  DecoderSpec spec = glm(config);
  spec.layer.after_attention = "post_self_attn_layernorm";
  spec.layer.after_mlp = "post_mlp_layernorm";
  return spec;
}

}  // namespace

const Family kGlm{.model_type = "glm",
                  .title = "GLM-4 9B (2024)",
                  .kind = Kind::kDecoder,
                  .build = build_from<glm>,
                  .ignores = ignores_buffers};
const Family kGlm4{.model_type = "glm4",
                   .title = "GLM-4-0414, GLM-Z1",
                   .kind = Kind::kDecoder,
                   .build = build_from<glm4>,
                   .ignores = ignores_buffers};

}  // namespace swiftlet::models
