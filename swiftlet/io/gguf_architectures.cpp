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

void rename(Json& config, std::initializer_list<std::pair<const char*, const char*>> names) {
  for (const auto& [common, own] : names) {
    config[own] = config[common];
    config.erase(common);
  }
}

void rotary_config(const GgufKeys& keys, Json& config) {
  const std::int64_t heads = config["num_attention_heads"], width = config["hidden_size"];
  require(heads <= width, keys.where("attention.head_count"), "expected at most {} heads, came {}", width,
          heads);
  read_gguf_rope(keys, width / heads, config);
  config.emplace("partial_rotary_factor", 1.0);
}

double layer_norm_epsilon(const GgufKeys& keys) {
  return keys.number("attention.layer_norm_epsilon").value_or(1e-5);
}

void layer_types_config(const GgufKeys& keys, Json& config, const char* every) {
  constexpr std::string_view kPattern = "attention.sliding_window_pattern";
  const std::vector<std::int64_t> pattern = keys.file.integers(keys.key(kPattern));
  const std::int64_t layers = config["num_hidden_layers"];
  if (pattern.empty()) return;
  if (!keys.file.values().find(keys.key(kPattern))->second.is_array) {
    config[every] = keys.extent(kPattern);
    return;
  }
  require(std::ssize(pattern) >= layers, keys.where(kPattern), "expected {} layers, came {}", layers,
          pattern.size());
  for (std::int64_t i = 0; i < layers; ++i)
    config["layer_types"].push_back(pattern[static_cast<std::size_t>(i)] != 0 ? "sliding_attention"
                                                                              : "full_attention");
}

}  // namespace gguf

std::span<const GgufArchitecture> gguf_architectures() {
  static const std::vector<GgufArchitecture> all = [] {
    std::vector<GgufArchitecture> rows;
    for (const auto part :
         {gguf::decoders(), gguf::gemmas(), gguf::gpt_kin(), gguf::mixtures(), gguf::encoders()})
      rows.insert(rows.end(), part.begin(), part.end());
    return rows;
  }();
  return all;
}

}  // namespace swiftlet
