// StableLM 3B and StableLM 2 (Bellagamba et al., 2024): Llama with LayerNorm, a quarter of each head rotated,
// and parallel residuals and normalized heads in the larger ones.
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

DecoderSpec stablelm(const Config& config) {
  DecoderSpec spec = llama_spec(config, {.rope = {.partial = 0.25}});
  const double eps = config.number_or("layer_norm_eps", 1e-5, 0, 1);
  spec.norm = spec.layer.norm = {.kind = NormKind::kLayer, .bias = true, .eps = eps};
  AttentionLayerSpec& attention = spec.layer.attention;
  attention.bias = config.bool_or("use_qkv_bias", false);
  attention.output_bias = spec.layer.mlp.bias = spec.layer.mlp.down_bias = false;
  if (config.bool_or("qk_layernorm", false)) {
    attention.qk_norm = QkNorm::kEachHead;
    attention.qk_norm_spec = {.kind = NormKind::kLayer, .eps = eps};
    attention.query_norm = "self_attn.q_layernorm";
    attention.key_norm = "self_attn.k_layernorm";
  }
  spec.layer.parallel = config.bool_or("use_parallel_residual", false);
  if (spec.layer.parallel) spec.layer.before_mlp = "";
  return spec;
}

}  // namespace

const Family kStableLm{.model_type = "stablelm",
                       .title = "StableLM 3B, StableLM 2",
                       .kind = Kind::kDecoder,
                       .build = build_from<stablelm>,
                       .ignores = ignores_buffers};

}  // namespace swiftlet::models
