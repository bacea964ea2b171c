// BLOOM and BLOOMZ (Le Scao et al., 2022): ALiBi, a norm of the embedding, projections fused head by head.
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

DecoderSpec bloom(const Config& config) {
  DecoderSpec spec = gpt_spec(config, {.position = {"seq_length"}, .activation = "gelu_pytorch_tanh"});
  spec.embedding = "word_embeddings";
  spec.embedding_norm = "word_embeddings_layernorm";
  AttentionLayerSpec& attention = spec.layer.attention;
  use_megatron_layout(spec.layer, "self_attention.query_key_value", "self_attention.dense");
  add_alibi(attention);
  spec.layer.residual_after_norm = config.bool_or("apply_residual_connection_post_layernorm", false);
  return spec;
}

}  // namespace

const Family kBloom{.model_type = "bloom",
                    .title = "BLOOM, BLOOMZ",
                    .kind = Kind::kDecoder,
                    .build = build_from<bloom>,
                    .ignores = ignores_buffers,
                    .harmless = {"slow_but_exact", "attention_softmax_in_fp32", "bias_dropout_fusion",
                                 "masked_softmax_fusion", "offset_alibi", "skip_bias_add",
                                 "skip_bias_add_qkv", "unk_token_id"}};

}  // namespace swiftlet::models
