// GPT-NeoX (Black et al., 2022) and Pythia: parallel halves with a norm each, part of a head rotated,
// projections fused head by head.
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

DecoderSpec gpt_neox(const Config& config) {
  DecoderSpec spec = gpt_spec(config, {.inner = "intermediate_size", .activation = "gelu", .tied = false});
  spec.root = "gpt_neox";
  spec.embedding = "embed_in";
  spec.layer_list = "layers";
  spec.final_norm = "final_layer_norm";
  spec.head = "embed_out";
  AttentionLayerSpec& attention = spec.layer.attention;
  use_megatron_layout(spec.layer, "attention.query_key_value", "attention.dense");
  attention.bias = attention.output_bias = config.bool_or("attention_bias", true);
  attention.rope = rope_spec(config, attention.spec.head_dim,
                             {.theta = config.number_or("rotary_emb_base", 10000, 1e-3, 1e30),
                              .partial = config.number_or("rotary_pct", 0.25, 0, 1)});
  spec.layer.parallel = config.bool_or("use_parallel_residual", true);
  return spec;
}

bool ignores(std::string_view name) {
  return ignores_buffers(name) || name.ends_with("attention.bias") || name.ends_with("attention.masked_bias");
}

}  // namespace

const Family kGptNeoX{.model_type = "gpt_neox",
                      .title = "GPT-NeoX, Pythia, Dolly 2",
                      .kind = Kind::kDecoder,
                      .build = build_from<gpt_neox>,
                      .ignores = ignores};

}  // namespace swiftlet::models
