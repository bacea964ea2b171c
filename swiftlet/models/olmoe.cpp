// OLMoE (Muennighoff et al., 2024): Llama with a mixture of small experts, and with queries and keys
// normalized over their whole width.
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

DecoderSpec olmoe(const Config& config) {
  DecoderSpec spec = llama_spec(config, {.eps = 1e-5});
  spec.layer.attention.qk_norm = QkNorm::kWidth;
  spec.layer.attention.clip = clip_of(config);
  MixtureSpec mixture = mixture_spec(config, "intermediate_size", spec.layer.mlp.activation);
  mixture.routing.over_all = !config.bool_or("norm_topk_prob", false);
  spec.layer.mixture = mixture;
  return spec;
}

}  // namespace

const Family kOlmoe{.model_type = "olmoe",
                    .title = "OLMoE",
                    .kind = Kind::kDecoder,
                    .build = build_from<olmoe>,
                    .ignores = ignores_buffers,
                    .harmless = {"router_aux_loss_coef"}};

}  // namespace swiftlet::models
