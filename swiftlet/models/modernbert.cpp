// ModernBERT (Warner et al., 2024): norms before each half, gated feed-forward network, rotary positions,
// every third layer over the whole text and the others over a window.
#include "swiftlet/core/error.h"
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/encoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

ops::RopeSpec rope_of(const Config& config, std::int64_t head_dim, bool sliding) {
  const char* old = sliding ? "local_rope_theta" : "global_rope_theta";
  const double theta = config.number_or(old, sliding ? 10000 : 160000, 1e-3, 1e30);
  return rope_spec(config, head_dim,
                   {.theta = theta, .layer_type = sliding ? "sliding_attention" : "full_attention"});
}

EncoderSpec modernbert(const Config& config) {
  EncoderSpec spec = bert_spec(config, {.activation_key = "hidden_activation"});
  spec.root = "model";
  spec.words = "embeddings.tok_embeddings";
  spec.positions = spec.token_types = "";
  spec.embedding_norm = "embeddings.norm";
  spec.layer_list = "layers";
  spec.final_norm = "final_norm";
  spec.norm = {.kind = NormKind::kLayer,
               .bias = config.bool_or("norm_bias", false),
               .eps = config.number_or("norm_eps", 1e-5, 0, 1)};
  LayerSpec& layer = spec.layer;
  layer.norm = spec.norm;
  layer.before_attention = "attn_norm";
  layer.before_mlp = "mlp_norm";
  layer.attention_sum = layer.mlp_sum = "";
  layer.attention.fused = "attn.Wqkv";
  layer.attention.output = "attn.Wo";
  layer.attention.bias = layer.attention.output_bias = config.bool_or("attention_bias", false);
  layer.mlp.fused = "mlp.Wi";
  layer.mlp.down = "mlp.Wo";
  layer.mlp.bias = layer.mlp.down_bias = config.bool_or("mlp_bias", false);
  // The key counts both sides; a layer sees half of it on each.
  const auto window = static_cast<int>(config.int_or("local_attention", 128, 2, kMaxExtent) / 2 + 1);
  const std::int64_t every = config.int_or("global_attn_every_n_layers", 3, 1, kMaxExtent);
  const auto sliding = sliding_layers(config, spec.layers, [&](std::int64_t i) { return i % every != 0; });
  const std::int64_t head_dim = layer.attention.spec.head_dim;
  layer.attention.rope = rope_of(config, head_dim, false);
  const ops::RopeSpec local = rope_of(config, head_dim, true);
  spec.vary = [=](LayerSpec& varied, std::int64_t i) {
    if (i == 0) varied.before_attention = "";  // the embedding is normalized already
    if (!sliding[static_cast<std::size_t>(i)]) return;
    varied.attention.spec.window = window;
    varied.attention.rope = local;
  };
  return spec;
}

void vary_head(HeadSpec& head, const Config& config) {
  head.activation = config.string_or("classifier_activation", "gelu");
  head.dense_bias = config.bool_or("classifier_bias", false);
  head.norm_bias = config.bool_or("norm_bias", false);
  if (head.task == Task::kMaskedLm) head.projection_bias = config.bool_or("decoder_bias", true);
  const std::string pooling = config.string_or("classifier_pooling", "cls");
  if (pooling != "cls" && pooling != "mean")
    fail(ErrorCode::kUnsupported, config.where() + ": classifier_pooling",
         "'{}' is not available, only cls and mean", pooling);
  head.reading = pooling == "cls" ? Reading::kFirst : Reading::kMean;
}

HeadSpec head(std::string_view suffix, Task task) {
  return {.suffix = suffix,
          .task = task,
          .dense = "head.dense",
          .norm = "head.norm",
          .projection = task == Task::kMaskedLm ? "decoder" : "classifier",
          .vary = vary_head};
}

const HeadSpec kHeads[] = {
    head("ForMaskedLM", Task::kMaskedLm), head("ForSequenceClassification", Task::kSequence),
    head("ForTokenClassification", Task::kToken), head("ForQuestionAnswering", Task::kQuestion),
    head("ForMultipleChoice", Task::kChoice)};

}  // namespace

const Family kModernBert{
    .model_type = "modernbert",
    .title = "ModernBERT, GTE-ModernBERT",
    .kind = Kind::kEncoder,
    .build = build_encoder_from<modernbert>,
    .ignores = ignores_heads,
    .harmless = {"decoder_bias", "deterministic_flash_attn", "sparse_prediction", "sparse_pred_ignore_index",
                 "repad_logits_with_grad", "reference_compile", "layer_norm_eps", "rope_theta"},
    .heads = kHeads};

}  // namespace swiftlet::models
