#include "swiftlet/io/gguf_architectures.h"

#include <vector>

#include "swiftlet/core/error.h"
#include "swiftlet/io/gguf_rope.h"
#include "swiftlet/io/gguf_tables.h"

namespace swiftlet {
namespace gguf {
namespace {

std::int64_t vocabulary_size(const GgufFile& file) {
  const GgufTensor* table = file.find("token_embd.weight");
  require(table != nullptr && table->shape.rank() == 2, file.where_tensor("token_embd.weight"),
          "expected a matrix of embeddings, there is none");
  return table->shape[0];
}

}  // namespace

void common_config(const GgufKeys& keys, Json& config) {
  config["hidden_size"] = keys.extent("embedding_length");
  config["num_hidden_layers"] = keys.extent("block_count");
  config["intermediate_size"] = keys.extent_of_layers("feed_forward_length");
  config["max_position_embeddings"] = keys.extent("context_length");
  config["num_attention_heads"] = keys.extent_of_layers("attention.head_count");
  config["vocab_size"] = vocabulary_size(keys.file);
}

// What decoders with rotary positions and RMSNorm share.
void decoder_config(const GgufKeys& keys, Json& config) {
  common_config(keys, config);
  const std::int64_t heads = config["num_attention_heads"], width = config["hidden_size"];
  config["num_key_value_heads"] = keys.extent_of_layers("attention.head_count_kv", heads);
  const std::int64_t head_dim =
      keys.file.has(keys.key("attention.key_length")) ? keys.extent("attention.key_length") : width / heads;
  const std::int64_t value_dim = keys.integer("attention.value_length").value_or(head_dim);
  if (value_dim != head_dim)
    fail(ErrorCode::kUnsupported, keys.where("attention.value_length"),
         "heads whose values have another size ({}) than their keys ({}) are not available", value_dim,
         head_dim);
  require(head_dim >= 1, keys.where("attention.head_count"), "expected at most {} heads, came {}", width,
          heads);
  config["head_dim"] = head_dim;
  if (const auto eps = keys.number("attention.layer_norm_rms_epsilon")) config["rms_norm_eps"] = *eps;
  config["hidden_act"] = "silu";
  config["tie_word_embeddings"] = keys.file.find("output.weight") == nullptr;
  if (const auto causal = keys.boolean("attention.causal"); causal && !*causal)
    fail(ErrorCode::kUnsupported, keys.where("attention.causal"),
         "a decoder that looks ahead is not available");
  read_gguf_rope(keys, head_dim, config);
}

}  // namespace gguf

std::span<const GgufArchitecture> gguf_architectures() {
  static const std::vector<GgufArchitecture> all = [] {
    std::vector<GgufArchitecture> rows;
    for (const auto part : {gguf::decoders(), gguf::mixtures(), gguf::encoders()})
      rows.insert(rows.end(), part.begin(), part.end());
    return rows;
  }();
  return all;
}

}  // namespace swiftlet
