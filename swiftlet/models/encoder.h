// What the families of encoders share: tables, their norm, layers and pooling around transformer_layer,
// described by a plain struct.
#pragma once

#include <functional>

#include "swiftlet/models/transformer.h"

namespace swiftlet::models {

struct EncoderSpec {
  std::int64_t layers = 0, hidden_size = 0, vocab_size = 0;
  // Names. The root may be missing in a checkpoint: then everything stands at the top.
  std::string_view root = "bert";
  std::string_view words = "embeddings.word_embeddings", positions = "embeddings.position_embeddings";
  std::string_view token_types = "embeddings.token_type_embeddings", embedding_norm = "embeddings.LayerNorm";
  std::string_view layer_list = "encoder.layer", final_norm;
  // Rows of the tables; tables whose name is empty are not there.
  std::int64_t position_rows = 0, type_rows = 0;
  std::int64_t position_offset = 0;  // row of the first position
  // Of the tables; where it differs from hidden_size, `projection` follows their norm.
  std::int64_t embedding_width = 0;
  std::string_view projection;
  bool projects_always = false;       // even where the widths agree
  bool projects_before_norm = false;  // and without a bias
  // Biases of the scores by distance (T5), one table for all layers: [buckets, heads].
  std::string_view relative_bias;
  // Embeddings of distances (DeBERTa), one table for all layers, and their norm, or none.
  std::string_view relative_positions, relative_norm;
  std::int64_t relative_rows = 0;
  // Beside the first layer, over the embedding (DeBERTa): norm(layer(x) + activation(convolution(x))).
  std::string_view convolution, convolution_norm;
  std::int64_t convolution_size = 0;  // rows that one sees
  std::string convolution_activation;
  std::int64_t max_positions = 0;
  NormSpec norm;  // of the tables and the final one
  // Every layer is `layer` but for what `vary` changes; its weights stand under layer_list, at its index or
  // where `place` says.
  LayerSpec layer;
  std::function<void(LayerSpec& layer, std::int64_t index)> vary;
  std::function<std::string(std::int64_t index)> place;
};

BuiltModel build_encoder(const EncoderSpec& spec, const Config& config, const Scope::Shapes& shapes,
                         const Ending& ending);

template <EncoderSpec (*read)(const Config& config)>
BuiltModel build_encoder_from(const Config& config, const Scope::Shapes& shapes, const Ending& ending) {
  return build_encoder(read(config), config, shapes, ending);
}

// The keys and names of weights that BERT and most of its kin share: LayerNorm behind each half, biases,
// learned positions.
struct BertKeys {
  std::string_view layers = "num_hidden_layers", hidden_size = "hidden_size", heads = "num_attention_heads";
  std::string_view inner = "intermediate_size", activation_key = "hidden_act", activation = "gelu";
  std::string_view positions = "max_position_embeddings", eps = "layer_norm_eps";
};
EncoderSpec bert_spec(const Config& config, const BertKeys& keys = {});

// The pooler, the heads of other tasks, and buffers of old checkpoints.
bool ignores_heads(std::string_view weight);

}  // namespace swiftlet::models
