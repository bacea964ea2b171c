// BERT (Devlin et al., 2019) and those that differ from it by positions, widths or names: RoBERTa (Liu et
// al., 2019), XLM-R, CamemBERT, ELECTRA (Clark et al., 2020), DistilBERT (Sanh et al., 2019), ALBERT (Lan et
// al., 2020: one layer used again and again) and MPNet (Song et al., 2020: biases by distance).
#include "swiftlet/core/error.h"
#include "swiftlet/models/encoder.h"
#include "swiftlet/models/families.h"
#include "swiftlet/ops/relative_bias.h"

namespace swiftlet::models {
namespace {

EncoderSpec bert(const Config& config) {
  return bert_spec(config);
}

// Positions begin behind that of the padding token.
void begin_positions(EncoderSpec& spec, const Config& config, std::int64_t padding) {
  spec.position_offset = padding + 1;
  spec.max_positions = spec.position_rows - spec.position_offset;
  require(spec.max_positions > 0, config.where() + ": max_position_embeddings",
          "{} leaves no position behind the first {}", spec.position_rows, spec.position_offset);
}

EncoderSpec roberta(const Config& config) {
  EncoderSpec spec = bert_spec(config);
  spec.root = "roberta";
  begin_positions(spec, config, config.int_or("pad_token_id", 1, 0, kMaxExtent));
  return spec;
}

void narrow_embedding(EncoderSpec& spec, const Config& config, std::string_view projection) {
  spec.embedding_width = config.int_or("embedding_size", 128, 1, kMaxExtent);
  spec.projection = projection;
}

EncoderSpec electra(const Config& config) {
  EncoderSpec spec = bert_spec(config);
  spec.root = "electra";
  narrow_embedding(spec, config, "embeddings_project");
  return spec;
}

EncoderSpec albert(const Config& config) {
  EncoderSpec spec = bert_spec(config, {.activation = "gelu_new"});
  spec.root = "albert";
  narrow_embedding(spec, config, "encoder.embedding_hidden_mapping_in");
  spec.projects_always = true;
  const std::int64_t groups = config.int_or("num_hidden_groups", 1, 1, spec.layers), layers = spec.layers;
  if (config.int_or("inner_group_num", 1) != 1)
    fail(ErrorCode::kUnsupported, config.where() + ": inner_group_num", "only 1 is available");
  spec.layer_list = "encoder.albert_layer_groups";
  spec.place = [=](std::int64_t i) { return fmt::format("{}.albert_layers.0", i * groups / layers); };
  AttentionLayerSpec& attention = spec.layer.attention;
  attention.query = "attention.query";
  attention.key = "attention.key";
  attention.value = "attention.value";
  attention.output = "attention.dense";
  spec.layer.attention_sum = "attention.LayerNorm";
  spec.layer.mlp.up = "ffn";
  spec.layer.mlp.down = "ffn_output";
  spec.layer.mlp_sum = "full_layer_layer_norm";
  return spec;
}

EncoderSpec mpnet(const Config& config) {
  EncoderSpec spec = bert_spec(config);
  const std::int64_t buckets = config.int_or("relative_attention_num_buckets", ops::kT5Buckets);
  if (buckets != ops::kT5Buckets)
    fail(ErrorCode::kUnsupported, config.where() + ": relative_attention_num_buckets",
         "{} is not available, only {}", buckets, ops::kT5Buckets);
  spec.root = "mpnet";
  spec.token_types = "";
  spec.relative_bias = "encoder.relative_attention_bias";
  begin_positions(spec, config, 1);
  AttentionLayerSpec& attention = spec.layer.attention;
  attention.spec.relative_bias = kernels::RelativeBias::kT5;
  attention.query = "attention.attn.q";
  attention.key = "attention.attn.k";
  attention.value = "attention.attn.v";
  attention.output = "attention.attn.o";
  spec.layer.attention_sum = "attention.LayerNorm";
  return spec;
}

EncoderSpec distilbert(const Config& config) {
  EncoderSpec spec = bert_spec(config, {.layers = "n_layers",
                                        .hidden_size = "dim",
                                        .heads = "n_heads",
                                        .inner = "hidden_dim",
                                        .activation_key = "activation"});
  spec.root = "distilbert";
  spec.token_types = "";
  spec.layer_list = "transformer.layer";
  AttentionLayerSpec& attention = spec.layer.attention;
  attention.query = "attention.q_lin";
  attention.key = "attention.k_lin";
  attention.value = "attention.v_lin";
  attention.output = "attention.out_lin";
  spec.layer.attention_sum = "sa_layer_norm";
  spec.layer.mlp.up = "ffn.lin1";
  spec.layer.mlp.down = "ffn.lin2";
  spec.layer.mlp_sum = "output_layer_norm";
  return spec;
}

HeadSpec masked(std::string_view suffix, std::string_view dense, std::string_view norm,
                std::string_view projection, std::string_view bias = "", std::string activation = "") {
  return {.suffix = suffix,
          .task = Task::kMaskedLm,
          .dense = dense,
          .activation = std::move(activation),
          .norm = norm,
          .projection = projection,
          .bias = bias};
}

// Labels of a whole text, or the score of a choice: of a dense layer that belongs to the head, or of the
// pooler.
HeadSpec pooled(std::string_view suffix, std::string_view dense, std::string activation,
                std::string_view projection = "classifier") {
  const bool pooler = dense.starts_with("pooler");
  return {.suffix = suffix,
          .task = suffix == "ForMultipleChoice" ? Task::kChoice : Task::kSequence,
          .dense = dense,
          .activation = std::move(activation),
          .projection = projection,
          .dense_in_root = pooler};
}

const HeadSpec kTokens{.suffix = "ForTokenClassification", .task = Task::kToken, .projection = "classifier"};
const HeadSpec kSpans{.suffix = "ForQuestionAnswering", .task = Task::kQuestion, .projection = "qa_outputs"};

constexpr std::string_view kSequence = "ForSequenceClassification", kChoice = "ForMultipleChoice",
                           kMasked = "ForMaskedLM", kPretraining = "ForPreTraining";
constexpr std::string_view kBertDense = "cls.predictions.transform.dense",
                           kBertNorm = "cls.predictions.transform.LayerNorm",
                           kBertWords = "cls.predictions.decoder", kBertBias = "cls.predictions.bias";
constexpr std::string_view kHeadDense = "lm_head.dense", kHeadNorm = "lm_head.layer_norm",
                           kHeadWords = "lm_head.decoder", kHeadBias = "lm_head.bias";

const HeadSpec kBertHeads[] = {masked(kMasked, kBertDense, kBertNorm, kBertWords, kBertBias),
                               masked(kPretraining, kBertDense, kBertNorm, kBertWords, kBertBias),
                               pooled(kSequence, "pooler.dense", "tanh"),
                               kTokens,
                               kSpans,
                               pooled(kChoice, "pooler.dense", "tanh")};
const HeadSpec kRobertaHeads[] = {masked(kMasked, kHeadDense, kHeadNorm, kHeadWords, kHeadBias, "gelu"),
                                  pooled(kSequence, "classifier.dense", "tanh", "classifier.out_proj"),
                                  kTokens, kSpans, pooled(kChoice, "pooler.dense", "tanh")};
// ELECTRA's summary of a sequence can be told otherwise.
void vary_summary(HeadSpec& head, const Config& config) {
  require_only(config, "summary_use_proj", true);
  head.activation = config.string_or("summary_activation", "gelu");
  const std::string type = config.string_or("summary_type", "first");
  if (type != "first" && type != "mean" && type != "last")
    fail(ErrorCode::kUnsupported, config.where() + ": summary_type",
         "'{}' is not available; known are first, mean, last", type);
  head.reading = type == "first" ? Reading::kFirst : type == "mean" ? Reading::kMean : Reading::kLast;
}

const HeadSpec kElectraHeads[] = {masked(kMasked, "generator_predictions.dense",
                                         "generator_predictions.LayerNorm", "generator_lm_head", "", "gelu"),
                                  pooled(kSequence, "classifier.dense", "gelu", "classifier.out_proj"),
                                  kTokens,
                                  kSpans,
                                  {.suffix = kChoice,
                                   .task = Task::kChoice,
                                   .dense = "sequence_summary.summary",
                                   .projection = "classifier",
                                   .vary = vary_summary}};
const HeadSpec kAlbertHeads[] = {
    masked(kMasked, "predictions.dense", "predictions.LayerNorm", "predictions.decoder", "predictions.bias"),
    masked(kPretraining, "predictions.dense", "predictions.LayerNorm", "predictions.decoder",
           "predictions.bias"),
    pooled(kSequence, "pooler", "tanh"),
    kTokens,
    kSpans,
    pooled(kChoice, "pooler", "tanh")};
const HeadSpec kMpnetHeads[] = {masked(kMasked, kHeadDense, kHeadNorm, kHeadWords, kHeadBias, "gelu"),
                                pooled(kSequence, "classifier.dense", "tanh", "classifier.out_proj"), kTokens,
                                kSpans, pooled(kChoice, "pooler.dense", "tanh")};
const HeadSpec kDistilbertHeads[] = {
    masked(kMasked, "vocab_transform", "vocab_layer_norm", "vocab_projector"),
    pooled(kSequence, "pre_classifier", "relu"), kTokens, kSpans, pooled(kChoice, "pre_classifier", "relu")};

template <EncoderSpec (*read)(const Config& config)>
constexpr auto kBuild = build_encoder_from<read>;

}  // namespace

const Family kBert{.model_type = "bert",
                   .title = "BERT, MiniLM, E5, BGE, GTE (the first ones)",
                   .kind = Kind::kEncoder,
                   .build = kBuild<bert>,
                   .ignores = ignores_heads,
                   .heads = kBertHeads};
const Family kRoberta{.model_type = "roberta",
                      .title = "RoBERTa, DistilRoBERTa",
                      .kind = Kind::kEncoder,
                      .build = kBuild<roberta>,
                      .ignores = ignores_heads,
                      .heads = kRobertaHeads};
const Family kXlmRoberta{.model_type = "xlm-roberta",
                         .title = "XLM-R, multilingual E5, BGE-M3 (dense)",
                         .kind = Kind::kEncoder,
                         .build = kBuild<roberta>,
                         .ignores = ignores_heads,
                         .heads = kRobertaHeads};
const Family kCamembert{.model_type = "camembert",
                        .title = "CamemBERT",
                        .kind = Kind::kEncoder,
                        .build = kBuild<roberta>,
                        .ignores = ignores_heads,
                        .heads = kRobertaHeads};
const Family kElectra{.model_type = "electra",
                      .title = "ELECTRA",
                      .kind = Kind::kEncoder,
                      .build = kBuild<electra>,
                      .ignores = ignores_heads,
                      .heads = kElectraHeads};
const Family kAlbert{.model_type = "albert",
                     .title = "ALBERT",
                     .kind = Kind::kEncoder,
                     .build = kBuild<albert>,
                     .ignores = ignores_heads,
                     .harmless = {"down_scale_factor", "gap_size", "net_structure_type", "num_memory_blocks"},
                     .heads = kAlbertHeads};
const Family kMpnet{.model_type = "mpnet",
                    .title = "MPNet, all-mpnet-base",
                    .kind = Kind::kEncoder,
                    .build = kBuild<mpnet>,
                    .ignores = ignores_heads,
                    .harmless = {"type_vocab_size"},
                    .heads = kMpnetHeads};
const Family kDistilbert{.model_type = "distilbert",
                         .title = "DistilBERT",
                         .kind = Kind::kEncoder,
                         .build = kBuild<distilbert>,
                         .ignores = ignores_heads,
                         .harmless = {"tie_weights_", "sinusoidal_pos_embds"},
                         .heads = kDistilbertHeads};

}  // namespace swiftlet::models
