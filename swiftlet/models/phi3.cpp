// Phi-3 (Abdin et al., 2024), Phi-3.5 and Phi-4-mini: Llama with fused weights, part of a head rotated,
// LongRoPE.
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

DecoderSpec phi3(const Config& config) {
  DecoderSpec spec = llama_spec(config, {.eps = 1e-5});
  AttentionLayerSpec& attention = spec.layer.attention;
  attention.fused = "self_attn.qkv_proj";
  attention.bias = attention.output_bias = spec.layer.mlp.bias = spec.layer.mlp.down_bias = false;
  attention.spec.window = window_of(config, 0);
  spec.layer.mlp.fused = "mlp.gate_up_proj";
  return spec;
}

}  // namespace

const Family kPhi3{
    .model_type = "phi3",
    .title = "Phi-3, Phi-3.5, Phi-4, Phi-4-mini",
    .kind = Kind::kDecoder,
    .build = build_from<phi3>,
    .ignores = ignores_buffers,
    .harmless = {"original_max_position_embeddings", "full_attn_mod", "interpolate_factor", "lm_head_bias"}};

}  // namespace swiftlet::models
