// Gemma (2024), Gemma 2 (2024: norms on both sides, soft caps, every other layer with a window) and the text
// models of Gemma 3 (2025: normalized heads instead of caps, five layers of six with a window and a rotation
// of their own), EmbeddingGemma among them, which sees both sides.
#include <cmath>

#include "swiftlet/core/error.h"
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

DecoderSpec gemma_spec(const Config& config, const RopeDefaults& rope, std::int64_t kv_heads = 0) {
  const std::string old = config.string_or("hidden_act", "gelu_pytorch_tanh");
  DecoderSpec spec = llama_spec(config, {.tied = true,
                                         .activation_key = "hidden_activation",
                                         .activation = old,
                                         .head_dim = 256,
                                         .kv_heads = kv_heads,
                                         .rope = rope});
  // Early configs of the first Gemma say gelu where they mean its approximation.
  if (spec.layer.mlp.activation == "gelu") spec.layer.mlp.activation = "gelu_pytorch_tanh";
  spec.layer.mlp.bias = spec.layer.mlp.down_bias = false;
  spec.norm.kind = spec.layer.norm.kind = spec.layer.attention.qk_norm_spec.kind = NormKind::kRmsFromOne;
  spec.embedding_scale = std::sqrt(static_cast<float>(spec.hidden_size));
  return spec;
}

DecoderSpec gemma(const Config& config) {
  require_only(config, "use_bidirectional_attention", false);
  return gemma_spec(config, {});
}

// What Gemma 2 and 3 share.
DecoderSpec later_gemma(const Config& config, const RopeDefaults& rope, double attention_cap,
                        double logit_cap, std::int64_t kv_heads) {
  DecoderSpec spec = gemma_spec(config, rope, kv_heads);
  spec.layer.after_attention = "post_attention_layernorm";
  spec.layer.before_mlp = "pre_feedforward_layernorm";
  spec.layer.after_mlp = "post_feedforward_layernorm";
  spec.layer.attention.spec.scale =
      1 / std::sqrt(static_cast<float>(config.number_or("query_pre_attn_scalar", 256, 1e-6, 1e9)));
  spec.layer.attention.spec.soft_cap =
      static_cast<float>(number_or_null(config, "attn_logit_softcapping", attention_cap, 0));
  spec.logit_cap = number_or_null(config, "final_logit_softcapping", logit_cap, 0);
  return spec;
}

DecoderSpec gemma2(const Config& config) {
  require_only(config, "use_bidirectional_attention", false);
  DecoderSpec spec = later_gemma(config, {}, 50, 30, 4);
  const int window = window_of(config, 4096);
  const auto sliding = sliding_layers(config, spec.layers, [](std::int64_t i) { return i % 2 == 0; });
  spec.vary = [=](LayerSpec& layer, std::int64_t i) {
    if (sliding[static_cast<std::size_t>(i)]) layer.attention.spec.window = window;
  };
  return spec;
}

ops::RopeSpec local_rope(const Config& config, std::int64_t head_dim) {
  if (config.has("rope_parameters"))
    return rope_spec(config, head_dim, {.theta = 10000, .layer_type = "sliding_attention"});
  const double theta = config.number_or("rope_local_base_freq", 10000, 1e-3, 1e30);
  return {.head_dim = head_dim,
          .rotary_dim = head_dim,
          .inverse_frequencies = ops::default_inverse_frequencies(theta, head_dim)};
}

DecoderSpec gemma3(const Config& config) {
  if (config.has("attn_logit_softcapping"))
    fail(ErrorCode::kUnsupported, config.where() + ": attn_logit_softcapping", "Gemma 3 caps no scores");
  DecoderSpec spec = later_gemma(config, {.theta = 1e6, .layer_type = "full_attention"}, 0, 0, 4);
  spec.layer.attention.qk_norm = QkNorm::kHead;
  // The factor of the layers that see everything is in this number already.
  spec.max_positions = config.int_or("max_position_embeddings", 131072, 1, kMaxExtent);
  int window = window_of(config, 4096);
  if (config.bool_or("use_bidirectional_attention", false)) {  // EmbeddingGemma
    spec.layer.attention.spec.causal = false;
    window = window / 2 + 1;  // the key counts both sides
  }
  const auto sliding = sliding_by_pattern(config, spec.layers, 6);
  const ops::RopeSpec local = local_rope(config, spec.layer.attention.spec.head_dim);
  spec.vary = [=](LayerSpec& layer, std::int64_t i) {
    if (!sliding[static_cast<std::size_t>(i)]) return;
    layer.attention.spec.window = window;
    layer.attention.rope = local;
  };
  return spec;
}

}  // namespace

const Family kGemma{.model_type = "gemma",
                    .title = "Gemma",
                    .kind = Kind::kDecoder,
                    .build = build_from<gemma>,
                    .ignores = ignores_buffers};
const Family kGemma2{.model_type = "gemma2",
                     .title = "Gemma 2",
                     .kind = Kind::kDecoder,
                     .build = build_from<gemma2>,
                     .ignores = ignores_buffers};
const Family kGemma3{.model_type = "gemma3_text",
                     .title = "Gemma 3 (text), EmbeddingGemma",
                     .kind = Kind::kDecoder,
                     .build = build_from<gemma3>,
                     .ignores = ignores_buffers};

}  // namespace swiftlet::models
