// Falcon (Almazrouei et al., 2023) in its three forms: RW (ALiBi, a key for every head, halves one after the
// other), 7B (one key for all heads, parallel halves behind one norm) and the new decoder architecture of
// 40B, 180B and 11B (grouped heads, parallel halves with a norm each or one).
#include "swiftlet/core/error.h"
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

struct FalconForm {
  bool newer, parallel;
  std::int64_t norms;  // before the parallel halves
};

FalconForm form_of(const Config& config) {
  FalconForm form{config.bool_or("new_decoder_architecture", false), config.bool_or("parallel_attn", true),
                  1};
  form.norms = config.int_or("num_ln_in_parallel_attn", form.newer ? 2 : 1, 1, 2);
  if (form.newer && !form.parallel)
    fail(ErrorCode::kUnsupported, config.where() + ": parallel_attn",
         "false is not available in the new decoder architecture");
  if (!form.newer && form.norms == 2)
    fail(ErrorCode::kUnsupported, config.where() + ": num_ln_in_parallel_attn",
         "2 is only available in the new decoder architecture");
  return form;
}

// How many heads share a key tells the form, not num_kv_heads alone.
void count_keys(const Config& config, bool newer, AttentionLayerSpec& attention) {
  const std::int64_t heads = attention.spec.heads;
  const std::int64_t named = config.int_or("num_kv_heads", heads, 1, heads);
  const bool one = !newer && config.bool_or("multi_query", true);
  const std::int64_t kv_heads = newer ? named : one ? 1 : heads;
  attention.spec = attention_of(config, heads, kv_heads, attention.spec.head_dim, true);
}

DecoderSpec falcon(const Config& config) {
  require_only(config, "apply_residual_connection_post_layernorm", false);
  const FalconForm form = form_of(config);
  DecoderSpec spec = gpt_spec(config, {.inner = "ffn_hidden_size",
                                       .activation = "gelu",
                                       .activation_key = "activation",
                                       .bias = config.bool_or("bias", false)});
  spec.embedding = "word_embeddings";
  AttentionLayerSpec& attention = spec.layer.attention;
  count_keys(config, form.newer, attention);
  use_megatron_layout(spec.layer, "self_attention.query_key_value", "self_attention.dense");
  if (config.bool_or("alibi", false)) {
    add_alibi(attention);
    for (float& slope : attention.alibi_slopes) slope *= attention.spec.scale;  // added before scaling
  } else {
    attention.rope = rope_spec(config, attention.spec.head_dim);
  }
  spec.layer.parallel = form.parallel;
  if (form.norms == 2) {
    spec.layer.before_attention = "ln_attn";
    spec.layer.before_mlp = "ln_mlp";
  } else if (form.parallel) {
    spec.layer.before_mlp = "";
  }
  return spec;
}

}  // namespace

const Family kFalcon{.model_type = "falcon",
                     .title = "Falcon (RW, 7B, 40B, 180B, 11B)",
                     .kind = Kind::kDecoder,
                     .build = build_from<falcon>,
                     .ignores = ignores_buffers,
                     .harmless = {"multi_query", "rope_parameters", "rope_theta"}};

}  // namespace swiftlet::models
