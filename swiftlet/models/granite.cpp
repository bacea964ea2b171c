// Granite 3 (IBM, 2024): Llama with multipliers of the embedding, the scores, the residuals and the logits;
// and the same with a mixture of experts.
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

DecoderSpec granite(const Config& config) {
  DecoderSpec spec = llama_spec(config);
  spec.embedding_scale = config.number_or("embedding_multiplier", 1, -1e6, 1e6);
  spec.layer.residual_scale = config.number_or("residual_multiplier", 1, -1e6, 1e6);
  spec.layer.attention.spec.scale =
      static_cast<float>(config.number_or("attention_multiplier", 1, -1e6, 1e6));
  spec.logit_scale = 1 / config.number_or("logits_scaling", 1, 1e-6, 1e6);
  return spec;
}

DecoderSpec granite_moe(const Config& config) {
  DecoderSpec spec = granite(config);
  MixtureSpec mixture = mixture_spec(config, "intermediate_size", spec.layer.mlp.activation);
  mixture.router = "block_sparse_moe.router.layer";
  mixture.list = "block_sparse_moe.experts";
  spec.layer.mixture = mixture;
  return spec;
}

}  // namespace

const Family kGranite{.model_type = "granite",
                      .title = "Granite 3",
                      .kind = Kind::kDecoder,
                      .build = build_from<granite>,
                      .ignores = ignores_buffers};
const Family kGraniteMoe{.model_type = "granitemoe",
                         .title = "Granite 3 MoE (1B-A400M, 3B-A800M)",
                         .kind = Kind::kDecoder,
                         .build = build_from<granite_moe>,
                         .ignores = ignores_buffers,
                         .harmless = {"router_aux_loss_coef"}};

}  // namespace swiftlet::models
