// Command R and Aya (Cohere, 2024): parallel residuals around one LayerNorm without bias, pairs of neighbours
// rotated, scaled logits; Command R7B (cohere2) rotates in the three layers of four that see a window, and
// has no positions in the others.
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

DecoderSpec cohere_spec(const Config& config, double theta) {
  DecoderSpec spec = llama_spec(config, {.tied = true, .rope = {.theta = theta, .interleaved = true}});
  const double eps = config.number_or("layer_norm_eps", 1e-5, 0, 1);
  spec.norm = spec.layer.norm = {.kind = NormKind::kLayer, .eps = eps};
  spec.layer.parallel = true;
  spec.layer.before_mlp = "";
  spec.layer.mlp.bias = spec.layer.mlp.down_bias = false;
  spec.logit_scale = config.number_or("logit_scale", 0.0625, -1e6, 1e6);
  return spec;
}

DecoderSpec cohere(const Config& config) {
  DecoderSpec spec = cohere_spec(config, 500000);
  spec.layer.attention.qk_norm_spec = spec.norm;
  if (config.bool_or("use_qk_norm", false)) spec.layer.attention.qk_norm = QkNorm::kEachHead;
  return spec;
}

DecoderSpec cohere2(const Config& config) {
  DecoderSpec spec = cohere_spec(config, 10000);
  require_only(config, "use_qk_norm", false);
  const int window = window_of(config, 4096);
  const auto sliding = sliding_by_pattern(config, spec.layers, 4);
  spec.vary = [=](LayerSpec& layer, std::int64_t i) {
    if (sliding[static_cast<std::size_t>(i)])
      layer.attention.spec.window = window;
    else
      layer.attention.rope.reset();
  };
  return spec;
}

}  // namespace

const Family kCohere{.model_type = "cohere",
                     .title = "Command R, Command R+, Aya",
                     .kind = Kind::kDecoder,
                     .build = build_from<cohere>,
                     .ignores = ignores_buffers};
const Family kCohere2{.model_type = "cohere2",
                      .title = "Command R7B, Command A",
                      .kind = Kind::kDecoder,
                      .build = build_from<cohere2>,
                      .ignores = ignores_buffers,
                      .harmless = {"order_of_interleaved_layers", "position_embedding_type", "rotary_pct",
                                   "use_embedding_sharing", "use_gated_activation", "use_parallel_block",
                                   "use_parallel_embedding"}};

}  // namespace swiftlet::models
