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

constexpr std::string_view kHeadKeys[]{"classifier.output_labels"};

constexpr std::array kRows{
    GgufArchitecture{.name = "bert",
                     .model_type = "xlm-roberta",
                     .class_name = "XLMRobertaModel",
                     .layer_prefix = "encoder.layer.",
                     .names = kRobertaNames,
                     .layer_names = kBertLayer,
                     .config = xlm_roberta_config,
                     .write = write_gguf_roberta,
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
                     .write = write_gguf_roberta,
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
                     .write = write_gguf_bert},
};

}  // namespace

std::span<const GgufArchitecture> encoders() {
  return kRows;
}

}  // namespace swiftlet::gguf
