// Nomic BERT (Nussbaum et al., 2024): BERT with rotary positions, a gated feed-forward network and no biases
// in the linears. Its config has the keys of the published checkpoints (n_embd, ...) or those of
// transformers.
#include "swiftlet/core/error.h"
#include "swiftlet/models/encoder.h"
#include "swiftlet/models/families.h"
#include "swiftlet/models/rope_config.h"

namespace swiftlet::models {
namespace {

constexpr BertKeys kPublished{.layers = "n_layer",
                              .hidden_size = "n_embd",
                              .heads = "n_head",
                              .inner = "n_inner",
                              .activation_key = "activation_function",
                              .activation = "swiglu",
                              .positions = "n_positions",
                              .eps = "layer_norm_epsilon"};

// What the published code could do besides, and no published model does.
void refuse_variants(const Config& config) {
  for (const char* key : {"prenorm", "parallel_block", "qkv_proj_bias", "mlp_fc1_bias", "mlp_fc2_bias",
                          "use_rms_norm", "rotary_emb_interleaved", "causal"})
    require_only(config, key, false);
  for (const char* key : {"rotary_scaling_factor", "rotary_emb_scale_base"})
    if (config.has(key))
      fail(ErrorCode::kUnsupported, fmt::format("{}: {}", config.where(), key), "only null is available");
}

EncoderSpec nomic_bert(const Config& config) {
  refuse_variants(config);
  const bool published = config.has("n_embd");
  EncoderSpec spec = bert_spec(config, published ? kPublished : BertKeys{.activation = "silu"});
  spec.root = "nomic_bert";
  spec.positions = "";
  spec.embedding_norm = "emb_ln";
  spec.layer_list = "encoder.layers";
  AttentionLayerSpec& attention = spec.layer.attention;
  const std::int64_t heads = attention.spec.heads;
  const std::int64_t head_dim = config.int_or("head_dim", attention.spec.head_dim, 1, 65536);
  attention.spec = attention_of(config, heads, heads, head_dim, false);
  attention.rope = rope_spec(config, head_dim,
                             {.theta = config.number_or("rotary_emb_base", 1000, 1e-3, 1e30),
                              .partial = config.number_or("rotary_emb_fraction", 1, 0, 1)});
  attention.fused = "attn.Wqkv";
  attention.output = "attn.out_proj";
  attention.bias = attention.output_bias = false;
  spec.layer.attention_sum = "norm1";
  spec.layer.mlp_sum = "norm2";
  FeedForwardSpec& mlp = spec.layer.mlp;
  if (mlp.activation == "swiglu") mlp.activation = "silu";
  mlp.gate = "mlp.fc12";
  mlp.up = "mlp.fc11";
  mlp.down = "mlp.fc2";
  mlp.bias = mlp.down_bias = false;
  return spec;
}

const HeadSpec kHeads[] = {
    {.suffix = "ForMaskedLM",
     .task = Task::kMaskedLm,
     .dense = "cls.predictions.transform.dense",
     .norm = "cls.predictions.transform.layer_norm",
     .projection = "cls.predictions.decoder",
     .bias = "cls.predictions.bias"},
    {.suffix = "ForSequenceClassification",
     .task = Task::kSequence,
     .dense = "pooler.dense",
     .activation = "tanh",
     .projection = "classifier",
     .dense_in_root = true},
    {.suffix = "ForTokenClassification", .task = Task::kToken, .projection = "classifier"}};

}  // namespace

const Family kNomicBert{
    .model_type = "nomic_bert",
    .title = "Nomic BERT, nomic-embed-text",
    .kind = Kind::kEncoder,
    .build = build_encoder_from<nomic_bert>,
    .ignores = ignores_heads,
    .harmless = {"dense_seq_output", "fused_bias_fc", "fused_dropout_add_ln", "last_layer_subset",
                 "max_trained_positions", "mlp_checkpoint_lvl", "pad_vocab_size_multiple",
                 "reorder_and_upcast_attn", "scale_attn_by_inverse_layer_idx", "scale_attn_weights",
                 "use_flash_attn", "use_xentropy"},
    .heads = kHeads};

}  // namespace swiftlet::models
