// OLMo 2 (Walsh et al., 2025): Llama with the norms behind attention and feed-forward network, and with
// queries and keys normalized over their whole width.
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

DecoderSpec olmo2(const Config& config) {
  DecoderSpec spec = llama_spec(config, {.eps = 1e-5});
  spec.layer.before_attention = spec.layer.before_mlp = "";
  spec.layer.after_attention = "post_attention_layernorm";
  spec.layer.after_mlp = "post_feedforward_layernorm";
  spec.layer.attention.qk_norm = QkNorm::kWidth;
  spec.layer.mlp.bias = spec.layer.mlp.down_bias = false;
  return spec;
}

}  // namespace

const Family kOlmo2{.model_type = "olmo2",
                    .title = "OLMo 2",
                    .kind = Kind::kDecoder,
                    .build = build_from<olmo2>,
                    .ignores = ignores_buffers};

}  // namespace swiftlet::models
