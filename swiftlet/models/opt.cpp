// OPT (Zhang et al., 2022): learned positions from row 2 on, ReLU; the 350M model normalizes behind the
// halves and has a narrower embedding.
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

DecoderSpec opt(const Config& config) {
  DecoderSpec spec = gpt_spec(config, {.inner = "ffn_dim",
                                       .activation = "relu",
                                       .activation_key = "activation_function",
                                       .bias = config.bool_or("enable_bias", true)});
  const bool has_weights = config.bool_or("layer_norm_elementwise_affine", true);
  spec.norm.gain = spec.norm.bias = spec.layer.norm.gain = spec.layer.norm.bias = has_weights;
  spec.root = "model.decoder";
  spec.embedding = "embed_tokens";
  spec.layer_list = "layers";
  spec.position_table = "embed_positions";
  spec.position_offset = 2;
  spec.embedding_width = config.int_or("word_embed_proj_dim", spec.hidden_size, 1, kMaxExtent);
  if (spec.embedding_width != spec.hidden_size) {
    spec.project_in = "project_in";
    spec.project_out = "project_out";
  }
  spec.layer.attention.output = "self_attn.out_proj";
  spec.layer.mlp.up = "fc1";
  spec.layer.mlp.down = "fc2";
  const bool before = config.bool_or("do_layer_norm_before", true);
  (before ? spec.layer.before_attention : spec.layer.attention_sum) = "self_attn_layer_norm";
  (before ? spec.layer.before_mlp : spec.layer.mlp_sum) = "final_layer_norm";
  if (!before) spec.layer.before_attention = spec.layer.before_mlp = "";
  const bool last = before && !config.bool_or("_remove_final_layer_norm", false);
  spec.final_norm = last ? "final_layer_norm" : "";
  return spec;
}

}  // namespace

const Family kOpt{.model_type = "opt",
                  .title = "OPT, Galactica",
                  .kind = Kind::kDecoder,
                  .build = build_from<opt>,
                  .ignores = ignores_buffers,
                  .harmless = {"layerdrop", "prefix", "activation_dropout"}};

}  // namespace swiftlet::models
