// OLMo (Groeneveld et al., 2024): Llama with a LayerNorm that has no weights, and clipped projections in the
// larger one.
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

DecoderSpec olmo(const Config& config) {
  DecoderSpec spec = llama_spec(config);
  spec.norm = spec.layer.norm = {.kind = NormKind::kLayer, .eps = 1e-5, .gain = false};
  spec.layer.attention.clip = clip_of(config);
  spec.layer.mlp.bias = spec.layer.mlp.down_bias = false;
  return spec;
}

}  // namespace

const Family kOlmo{.model_type = "olmo",
                   .title = "OLMo (1B, 7B)",
                   .kind = Kind::kDecoder,
                   .build = build_from<olmo>,
                   .ignores = ignores_buffers};

}  // namespace swiftlet::models
