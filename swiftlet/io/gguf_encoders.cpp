// Rows of gguf_architectures.h: encoders.
#include "swiftlet/core/error.h"
#include "swiftlet/io/gguf_tables.h"

namespace swiftlet::gguf {
namespace {

constexpr std::array kBertNames{
    GgufName{"token_embd", "embeddings.word_embeddings"},
    GgufName{"token_types", "embeddings.token_type_embeddings"},
    GgufName{"position_embd", "embeddings.position_embeddings"},
    GgufName{"token_embd_norm", "embeddings.LayerNorm"},
};

// The head of RoBERTa's kind, which re-rankers have.
constexpr auto kRobertaNames = joined(kBertNames, std::array{
                                                      GgufName{"cls", "classifier.dense"},
                                                      GgufName{"cls.output", "classifier.out_proj"},
                                                  });

constexpr std::array kBertLayer{
    GgufName{"attn_q", "attention.self.query"},
    GgufName{"attn_k", "attention.self.key"},
    GgufName{"attn_v", "attention.self.value"},
    GgufName{"attn_output", "attention.output.dense"},
    GgufName{"attn_output_norm", "attention.output.LayerNorm"},
    GgufName{"ffn_up", "intermediate.dense"},
    GgufName{"ffn_down", "output.dense"},
    GgufName{"layer_output_norm", "output.LayerNorm"},
};

void bert_config(const GgufKeys& keys, Json& config) {
  common_config(keys, config);
  const GgufTensor* types = keys.file.find("token_types.weight");
  require(types != nullptr, keys.file.where_tensor("token_types.weight"), "is missing");
  config["type_vocab_size"] = types->shape.rank() == 2 ? types->shape[0] : 1;
  config["hidden_act"] = "gelu";
  if (const auto eps = keys.number("attention.layer_norm_epsilon")) config["layer_norm_eps"] = *eps;
}

// With labels, or with the one score of a re-ranker.
void head_config(const GgufKeys& keys, Json& config, const char* class_name) {
  const GgufTensor* head = keys.file.find("cls.output.weight");
  if (head == nullptr) return;
  config["architectures"] = {class_name};
  const std::int64_t count = head->shape.rank() == 2 ? head->shape[0] : 1;
  const std::vector<std::string_view> labels = keys.file.texts(keys.key("classifier.output_labels"));
  require(labels.empty() || std::ssize(labels) == count, keys.where("classifier.output_labels"),
          "expected {} labels, came {}", count, labels.size());
  for (std::int64_t i = 0; i < count; ++i)
    config["id2label"][std::to_string(i)] =
        labels.empty() ? fmt::format("LABEL_{}", i) : printable(labels[static_cast<std::size_t>(i)]);
}

void roberta_config(const GgufKeys& keys, Json& config) {
  bert_config(keys, config);
  const std::int64_t padding = keys.file.integer("tokenizer.ggml.padding_token_id").value_or(1);
  const GgufTensor* positions = keys.file.find(kGgufPositions);
  require(positions != nullptr && positions->shape.rank() == 2, keys.file.where_tensor(kGgufPositions),
          "expected a matrix of positions, there is none");
  config["pad_token_id"] = padding;
  config["max_position_embeddings"] = positions->shape[0] + padding + 1;
  head_config(keys, config, "RobertaForSequenceClassification");
}

void xlm_roberta_config(const GgufKeys& keys, Json& config) {
  roberta_config(keys, config);
  head_config(keys, config, "XLMRobertaForSequenceClassification");
}

void write_encoder(GgufModelWriter& writer, std::int64_t left_out) {
  write_common(writer, left_out);
  write_layer_norm(writer, 1e-12);
  writer.boolean("attention.causal", false);
}

void write_bert(GgufModelWriter& writer) {
  write_encoder(writer, 0);
}

void write_roberta(GgufModelWriter& writer) {
  const Config& config = writer.config();
  write_encoder(writer, gguf_rows_in_front(find_gguf_architecture(writer.checkpoint), config));
  const auto classes = config.strings("architectures");
  if (classes.empty() || !classes.front().ends_with("ForSequenceClassification")) return;
  writer.u32("pooling_type", kGgufRank);
  const auto names = config.section("id2label");
  if (!names) return;
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < names->json().size(); ++i)
    labels.push_back(names->require_string(std::to_string(i)));
  writer.metadata.texts(writer.key("classifier.output_labels"), labels);
}

constexpr std::array kNomicNames{
    GgufName{"token_embd", "embeddings.word_embeddings"},
    GgufName{"token_types", "embeddings.token_type_embeddings"},
    GgufName{"token_embd_norm", "emb_ln"},
};
constexpr std::array kNomicLayer{
    GgufName{"attn_qkv", "attn.Wqkv"},      GgufName{"attn_output", "attn.out_proj"},
    GgufName{"attn_output_norm", "norm1"},  GgufName{"ffn_up", "mlp.fc11"},
    GgufName{"ffn_gate", "mlp.fc12"},       GgufName{"ffn_down", "mlp.fc2"},
    GgufName{"layer_output_norm", "norm2"},
};

void nomic_config(const GgufKeys& keys, Json& config) {
  bert_config(keys, config);
  rotary_config(keys, config);
  config["hidden_act"] = "silu";
}

void write_nomic(GgufModelWriter& writer) {
  write_encoder(writer, 0);
  const Config& config = writer.config();
  write_rotary(writer, {.theta = config.number_or("rotary_emb_base", 1000),
                        .partial = config.number_or("rotary_emb_fraction", 1)});
}

constexpr std::array kModernNames{
    GgufName{"token_embd", "embeddings.tok_embeddings"},
    GgufName{"token_embd_norm", "embeddings.norm"},
    GgufName{"output_norm", "final_norm"},
};
constexpr std::array kModernLayer{
    GgufName{"attn_norm", "attn_norm"}, GgufName{"attn_qkv", "attn.Wqkv"}, GgufName{"attn_output", "attn.Wo"},
    GgufName{"ffn_norm", "mlp_norm"},   GgufName{"ffn_up", "mlp.Wi"},      GgufName{"ffn_down", "mlp.Wo"},
};

void modern_config(const GgufKeys& keys, Json& config) {
  common_config(keys, config);
  rotary_config(keys, config);
  rename(config, {{"rope_theta", "global_rope_theta"}});
  config.erase("partial_rotary_factor");
  const double global = config["global_rope_theta"];
  config["local_rope_theta"] = keys.number("rope.freq_base_swa").value_or(global);
  config["local_attention"] = keys.extent("attention.sliding_window");
  layer_types_config(keys, config, "global_attn_every_n_layers");
  config["hidden_activation"] = keys.text("hidden_activation").value_or("gelu");
  config["norm_eps"] = layer_norm_epsilon(keys);
}

void write_modern(GgufModelWriter& writer) {
  write_encoder(writer, 0);
  const Config& config = writer.config();
  constexpr std::int64_t kMost = 1 << 24;
  write_rotary(writer, {.theta = config.number_or("global_rope_theta", 160000)});
  writer.f32("rope.freq_base_swa", rope_theta_of_windows(config, "local_rope_theta"));
  writer.u32("attention.sliding_window", config.int_or("local_attention", 128, 1, kMost));
  if (config.has("layer_types"))
    write_layer_types(writer);
  else
    writer.u32("attention.sliding_window_pattern", config.int_or("global_attn_every_n_layers", 3, 1, kMost));
  writer.text("hidden_activation", config.string_or("hidden_activation", "gelu"));
}

constexpr std::string_view kModernKeys[]{"attention.sliding_window", "attention.sliding_window_pattern",
                                         "rope.freq_base_swa", "hidden_activation"};
constexpr std::string_view kHeadKeys[]{"classifier.output_labels"};

constexpr std::array kRows{
    GgufArchitecture{.name = "bert",
                     .model_type = "xlm-roberta",
                     .class_name = "XLMRobertaModel",
                     .layer_prefix = "encoder.layer.",
                     .names = kRobertaNames,
                     .layer_names = kBertLayer,
                     .config = xlm_roberta_config,
                     .write = write_roberta,
                     .keys = kHeadKeys,
                     .head_root = "roberta.",
                     .vocabulary = "t5",
                     .positions_behind_padding = true},
    GgufArchitecture{.name = "bert",
                     .model_type = "roberta",
                     .class_name = "RobertaModel",
                     .layer_prefix = "encoder.layer.",
                     .names = kRobertaNames,
                     .layer_names = kBertLayer,
                     .config = roberta_config,
                     .write = write_roberta,
                     .keys = kHeadKeys,
                     .head_root = "roberta.",
                     .vocabulary = "gpt2",
                     .positions_behind_padding = true},
    GgufArchitecture{.name = "bert",
                     .model_type = "bert",
                     .class_name = "BertModel",
                     .layer_prefix = "encoder.layer.",
                     .names = kBertNames,
                     .layer_names = kBertLayer,
                     .config = bert_config,
                     .write = write_bert},
    GgufArchitecture{.name = "nomic-bert",
                     .model_type = "nomic_bert",
                     .class_name = "NomicBertModel",
                     .layer_prefix = "encoder.layers.",
                     .names = kNomicNames,
                     .layer_names = kNomicLayer,
                     .config = nomic_config,
                     .write = write_nomic},
    GgufArchitecture{.name = "modern-bert",
                     .model_type = "modernbert",
                     .class_name = "ModernBertModel",
                     .layer_prefix = "layers.",
                     .names = kModernNames,
                     .layer_names = kModernLayer,
                     .config = modern_config,
                     .write = write_modern,
                     .keys = kModernKeys},
};

}  // namespace

std::span<const GgufArchitecture> encoders() {
  return kRows;
}

}  // namespace swiftlet::gguf
