// GPT-J (Wang & Komatsuzaki, 2021): parallel halves behind one norm, the first part of each head rotated in
// pairs of neighbours.
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

DecoderSpec gptj(const Config& config) {
  DecoderSpec spec = gpt_spec(config, {.position = {"n_positions"},
                                       .inner = "n_inner",
                                       .activation = "gelu_new",
                                       .activation_key = "activation_function",
                                       .tied = false});
  spec.head_bias = true;
  AttentionLayerSpec& attention = spec.layer.attention;
  attention.query = "attn.q_proj";
  attention.key = "attn.k_proj";
  attention.value = "attn.v_proj";
  attention.output = "attn.out_proj";
  attention.bias = attention.output_bias = false;
  const std::int64_t head_dim = attention.spec.head_dim;
  const std::int64_t rotary = config.require_int("rotary_dim", 2, head_dim);
  attention.rope = ops::RopeSpec{.head_dim = head_dim,
                                 .rotary_dim = rotary,
                                 .interleaved = true,
                                 .inverse_frequencies = ops::default_inverse_frequencies(10000, rotary)};
  spec.layer.parallel = true;
  spec.layer.before_attention = "ln_1";
  spec.layer.before_mlp = "";
  spec.layer.mlp.up = "mlp.fc_in";
  spec.layer.mlp.down = "mlp.fc_out";
  return spec;
}

bool ignores(std::string_view name) {
  return ignores_buffers(name) || name.ends_with("attn.bias") || name.ends_with("attn.masked_bias") ||
         name.ends_with("attn.embed_positions");
}

}  // namespace

const Family kGptJ{.model_type = "gptj",
                   .title = "GPT-J",
                   .kind = Kind::kDecoder,
                   .build = build_from<gptj>,
                   .ignores = ignores,
                   .harmless = {"rotary", "n_ctx"}};

}  // namespace swiftlet::models
