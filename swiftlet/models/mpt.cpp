// MPT (MosaicML, 2023): ALiBi, LayerNorm without bias, one stacked projection, no biases at all.
#include "swiftlet/core/error.h"
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

void read_attention(const Config& config, AttentionLayerSpec& attention) {
  attention.clip = clip_of(config);
  require_only(config, "attn_type", std::string_view("multihead_attention"));
  require_only(config, "prefix_lm", false);
  require_only(config, "qk_ln", false);
  require_only(config, "attn_uses_sequence_id", false);
  require_only(config, "alibi", true);
  attention.spec.scale =
      static_cast<float>(config.number_or("softmax_scale", double{attention.spec.scale}, 1e-9, 1e9));
  // As the model's own code does; transformers takes 8 whatever the config says.
  add_alibi(attention, config.number_or("alibi_bias_max", 8, 1e-6, 1e6));
}

DecoderSpec mpt(const Config& config) {
  require_only(config, "no_bias", true);
  if (config.has("logit_scale"))
    fail(ErrorCode::kUnsupported, config.where() + ": logit_scale", "scaled logits are not available");
  if (const std::string norm = config.string_or("norm_type", ""); norm.find("rms") != std::string::npos)
    fail(ErrorCode::kUnsupported, config.where() + ": norm_type", "'{}' is not available, only layernorm",
         norm);
  DecoderSpec spec = gpt_spec(config, {.position = {"max_seq_len"}, .activation = "gelu", .bias = false});
  const std::int64_t ratio = config.int_or("expansion_ratio", 4, 1, 1024);
  spec.layer.mlp.width = spec.hidden_size * ratio;
  spec.norm.bias = spec.layer.norm.bias = false;
  spec.layer_list = "blocks";
  spec.final_norm = "norm_f";
  AttentionLayerSpec& attention = spec.layer.attention;
  attention.fused = "attn.Wqkv";
  attention.output = "attn.out_proj";
  read_attention(config.section("attn_config").value_or(Config()), attention);
  spec.layer.before_attention = "norm_1";
  spec.layer.before_mlp = "norm_2";
  spec.layer.mlp.up = "ffn.up_proj";
  spec.layer.mlp.down = "ffn.down_proj";
  return spec;
}

}  // namespace

const Family kMpt{
    .model_type = "mpt",
    .title = "MPT",
    .kind = Kind::kDecoder,
    .build = build_from<mpt>,
    .ignores = ignores_buffers,
    .harmless = {"embedding_fraction", "init_device", "init_config", "learned_pos_emb", "verbose",
                 "attn_config: attn_impl", "attn_config: attn_pdrop", "attn_config: model_type"}};

}  // namespace swiftlet::models
