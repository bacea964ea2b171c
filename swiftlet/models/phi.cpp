// Phi-1, Phi-1.5 and Phi-2 (Gunasekar et al., 2023): parallel halves behind one norm, half of each head
// rotated, biases everywhere.
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

DecoderSpec phi(const Config& config) {
  DecoderSpec spec =
      gpt_spec(config, {.inner = "intermediate_size", .activation = "gelu_new", .tied = false});
  spec.root = "model";
  spec.embedding = "embed_tokens";
  spec.layer_list = "layers";
  spec.final_norm = "final_layernorm";
  spec.head_bias = true;
  AttentionLayerSpec& attention = spec.layer.attention;
  attention.output = "self_attn.dense";
  attention.rope = rope_spec(config, attention.spec.head_dim, {.partial = 0.5});
  if (config.bool_or("qk_layernorm", false)) {
    attention.qk_norm = QkNorm::kHead;
    attention.qk_norm_spec = spec.norm;
    attention.query_norm = "self_attn.q_layernorm";
    attention.key_norm = "self_attn.k_layernorm";
  }
  spec.layer.parallel = true;
  spec.layer.before_mlp = "";
  spec.layer.mlp.up = "mlp.fc1";
  spec.layer.mlp.down = "mlp.fc2";
  return spec;
}

}  // namespace

const Family kPhi{.model_type = "phi",
                  .title = "Phi-1, Phi-1.5, Phi-2",
                  .kind = Kind::kDecoder,
                  .build = build_from<phi>,
                  .ignores = ignores_buffers};

}  // namespace swiftlet::models
