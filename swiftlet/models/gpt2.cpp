// GPT-2 (Radford et al., 2019): learned positions, LayerNorm before each half, one fused projection.
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

DecoderSpec gpt2(const Config& config) {
  require_only(config, "add_cross_attention", false);
  DecoderSpec spec = gpt_spec(config, {.position = {"n_positions", "n_ctx"},
                                       .inner = "n_inner",
                                       .activation = "gelu_new",
                                       .activation_key = "activation_function"});
  spec.position_table = "wpe";
  AttentionLayerSpec& attention = spec.layer.attention;
  attention.fused = "attn.c_attn";
  attention.output = "attn.c_proj";
  spec.layer.before_attention = "ln_1";
  spec.layer.before_mlp = "ln_2";
  spec.layer.mlp.up = "mlp.c_fc";
  spec.layer.mlp.down = "mlp.c_proj";
  if (!config.bool_or("scale_attn_weights", true)) attention.spec.scale = 1;
  if (config.bool_or("scale_attn_by_inverse_layer_idx", false))
    spec.vary = [](LayerSpec& layer, std::int64_t i) {
      layer.attention.spec.scale /= static_cast<float>(i + 1);
    };
  return spec;
}

}  // namespace

const Family kGpt2{.model_type = "gpt2",
                   .title = "GPT-2, DistilGPT-2, DialoGPT",
                   .kind = Kind::kDecoder,
                   .build = build_from<gpt2>,
                   .ignores = ignores_buffers,
                   .harmless = {"n_ctx", "reorder_and_upcast_attn"}};

}  // namespace swiftlet::models
