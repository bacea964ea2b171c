// Mixtral (Jiang et al., 2024): Mistral with a mixture of experts, of which every token takes two.
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

DecoderSpec mixtral(const Config& config) {
  DecoderSpec spec = llama_spec(config, {.eps = 1e-5, .kv_heads = 8, .rope = {.theta = 1e6}});
  AttentionLayerSpec& attention = spec.layer.attention;
  attention.bias = attention.output_bias = false;
  attention.spec.window = window_of(config, 0);
  MixtureSpec mixture = mixture_spec(config, "intermediate_size", spec.layer.mlp.activation);
  mixture.router = "block_sparse_moe.gate";
  mixture.list = "block_sparse_moe.experts";
  mixture.gate = "w1";
  mixture.up = "w3";
  mixture.down = "w2";
  spec.layer.mixture = mixture;
  return spec;
}

}  // namespace

const Family kMixtral{.model_type = "mixtral",
                      .title = "Mixtral 8x7B, 8x22B",
                      .kind = Kind::kDecoder,
                      .build = build_from<mixtral>,
                      .ignores = ignores_buffers,
                      .harmless = {"router_aux_loss_coef", "router_jitter_noise"}};

}  // namespace swiftlet::models
