// DeBERTa (He et al., 2021), versions 2 and 3: BERT whose attention sees contents and distances apart, and
// which has no positions in its input.
#include <cmath>

#include "swiftlet/core/error.h"
#include "swiftlet/models/encoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

// The projections of attention are as wide as the layers.
void check_heads(const Config& config, const EncoderSpec& spec) {
  const std::int64_t size = spec.layer.attention.spec.head_dim;
  if (config.int_or("attention_head_size", size) != size)
    fail(ErrorCode::kUnsupported, config.where() + ": attention_head_size",
         "{} is not available, only hidden_size / num_attention_heads, {}",
         config.require_int("attention_head_size"), size);
}

// Of version 2's largest models: beside the first layer.
void read_convolution(EncoderSpec& spec, const Config& config) {
  const std::int64_t size = config.int_or("conv_kernel_size", 0, -1, 1024);
  config.int_or("conv_groups", 1);  // their kernels are one matrix by now (io/convolution.h)
  if (size <= 0) return;
  require(size % 2 == 1, config.where() + ": conv_kernel_size",
          "expected an odd number, so that as many rows come out as go in, got {}", size);
  spec.convolution = "encoder.conv.conv";
  spec.convolution_norm = "encoder.conv.LayerNorm";
  spec.convolution_size = size;
  spec.convolution_activation = config.string_or("conv_act", "tanh");
}

void read_distances(EncoderSpec& spec, const Config& config) {
  AttentionLayerSpec& attention = spec.layer.attention;
  std::string kinds;  // a list, or "c2p|p2c"
  for (const std::string& kind : config.strings("pos_att_type")) kinds += kind + "|";
  attention.content_to_position = kinds.find("c2p") != std::string::npos;
  attention.position_to_content = kinds.find("p2c") != std::string::npos;
  // Even where there are no distances.
  const int terms = 1 + attention.content_to_position + attention.position_to_content;
  const double scale = attention.spec.scale / std::sqrt(static_cast<double>(terms));
  attention.spec.scale = static_cast<float>(scale);
  if (!config.bool_or("relative_attention", false)) return;
  if (!config.bool_or("share_att_key", false)) {
    attention.position_key = "attention.self.pos_key_proj";
    attention.position_query = "attention.self.pos_query_proj";
  }
  std::int64_t farthest = config.int_or("max_relative_positions", -1, -1, 1 << 16);
  if (farthest < 1) farthest = spec.max_positions;
  const std::int64_t buckets = config.int_or("position_buckets", -1, -1, 1 << 16);
  require(buckets != 1, config.where() + ": position_buckets", "expected more than one");
  const std::int64_t span = buckets > 0 ? buckets : farthest;
  require(buckets <= 0 || farthest > buckets / 2 + 1, config.where() + ": max_relative_positions",
          "{} is within the {} positions that have a bucket of their own", farthest, buckets / 2 + 1);
  spec.relative_positions = "encoder.rel_embeddings";
  spec.relative_rows = 2 * span;
  if (config.string_or("norm_rel_ebd", "none").find("layer_norm") != std::string::npos)
    spec.relative_norm = "encoder.LayerNorm";
  attention.disentangled = {.heads = attention.spec.heads,
                            .scale = scale,
                            .buckets = ops::deberta_buckets(spec.max_positions, buckets, farthest, span)};
}

EncoderSpec deberta_v2(const Config& config) {
  EncoderSpec spec = bert_spec(config);
  require(spec.max_positions <= 1 << 16, config.where() + ": max_position_embeddings",
          "expected at most {}, got {}", 1 << 16, spec.max_positions);
  spec.root = "deberta";
  spec.norm.eps = spec.layer.norm.eps = config.number_or("layer_norm_eps", 1e-7, 0, 1);
  spec.type_rows = config.int_or("type_vocab_size", 0, 0, 1024);
  if (spec.type_rows == 0) spec.token_types = "";
  if (!config.bool_or("position_biased_input", true)) spec.positions = "";
  AttentionLayerSpec& attention = spec.layer.attention;
  attention.query = "attention.self.query_proj";
  attention.key = "attention.self.key_proj";
  attention.value = "attention.self.value_proj";
  check_heads(config, spec);
  spec.embedding_width = config.int_or("embedding_size", spec.hidden_size, 1, kMaxExtent);
  spec.projection = "embeddings.embed_proj";
  spec.projects_before_norm = true;
  read_distances(spec, config);
  read_convolution(spec, config);
  return spec;
}

// `legacy`: the head of transformers' own; else that of the published models.
void vary_words(HeadSpec& head, const Config& config) {
  if (config.bool_or("legacy", true)) return;
  head.dense = "lm_predictions.lm_head.dense";
  head.norm = "lm_predictions.lm_head.LayerNorm";
  head.projection = "lm_predictions.lm_head";
  head.bias = "lm_predictions.lm_head.bias";
  head.reads_table = true;
}

void vary_pooler(HeadSpec& head, const Config& config) {
  head.activation = config.string_or("pooler_hidden_act", "gelu");
}

HeadSpec pooled(std::string_view suffix, Task task) {
  return {.suffix = suffix,
          .task = task,
          .dense = "pooler.dense",
          .projection = "classifier",
          .vary = vary_pooler};
}

const HeadSpec kHeads[] = {
    {.suffix = "ForMaskedLM",
     .task = Task::kMaskedLm,
     .dense = "cls.predictions.transform.dense",
     .norm = "cls.predictions.transform.LayerNorm",
     .projection = "cls.predictions.decoder",
     .bias = "cls.predictions.bias",
     .vary = vary_words},
    pooled("ForSequenceClassification", Task::kSequence),
    {.suffix = "ForTokenClassification", .task = Task::kToken, .projection = "classifier"},
    {.suffix = "ForQuestionAnswering", .task = Task::kQuestion, .projection = "qa_outputs"},
    pooled("ForMultipleChoice", Task::kChoice)};

bool ignores(std::string_view name) {
  return ignores_heads(name) || name.starts_with("lm_predictions.") ||
         name.starts_with("mask_predictions.") || name.ends_with("embeddings.position_embeddings.weight");
}

}  // namespace

const Family kDebertaV2{
    .model_type = "deberta-v2",
    .title = "DeBERTa 2 and 3, mDeBERTa 3",
    .kind = Kind::kEncoder,
    .build = build_encoder_from<deberta_v2>,
    .ignores = ignores,
    .harmless = {"pooler_dropout", "pooler_hidden_size", "pooler_hidden_act", "legacy",
                 // Without relative_attention.
                 "max_relative_positions", "position_buckets", "share_att_key", "norm_rel_ebd"},
    .heads = kHeads};

}  // namespace swiftlet::models
