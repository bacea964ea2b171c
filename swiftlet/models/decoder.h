// What the families of decoders share: tables, layers, final norm and head around transformer_layer,
// described by a plain struct, and how the configs of Llama and its many kin are read.
#pragma once

#include <functional>

#include "swiftlet/models/rope_config.h"
#include "swiftlet/models/transformer.h"

namespace swiftlet::models {

struct DecoderSpec {
  std::int64_t layers = 0, hidden_size = 0, vocab_size = 0, max_positions = 0;
  // Names. The root may be missing in a checkpoint: then all but the head stands at the top.
  std::string_view root = "model", embedding = "embed_tokens", layer_list = "layers", final_norm = "norm";
  std::string_view head = "lm_head";
  // Of the embedding; where it differs from hidden_size, project_in and project_out stand around the layers.
  std::int64_t embedding_width = 0;
  std::string_view project_in, project_out;
  std::string_view position_table;   // learned positions; empty: none
  std::int64_t position_offset = 0;  // row of the first position
  std::string_view embedding_norm;   // directly behind the tables
  double embedding_scale = 1;
  NormSpec norm;           // of the embedding and the final one
  bool tied = false;       // the head is the embedding table
  bool head_bias = false;  // of the head
  double logit_scale = 1;
  double logit_cap = 0;  // logits become cap * tanh(logit / cap); 0: none
  // Every layer is `layer` but for what `vary` changes.
  LayerSpec layer;
  std::function<void(LayerSpec& layer, std::int64_t index)> vary;
};

// Without causal order it is run as an encoder.
BuiltModel build_decoder(const DecoderSpec& spec, const Config& config, const Scope::Shapes& shapes,
                         const Ending& ending);

// A row of the registry for a family that `read` describes.
template <DecoderSpec (*read)(const Config& config)>
BuiltModel build_from(const Config& config, const Scope::Shapes& shapes, const Ending& ending) {
  return build_decoder(read(config), config, shapes, ending);
}

// The keys that Llama and most later decoders share, with their names of weights: RMSNorm, rotary positions,
// grouped heads, a gated feed-forward network.
struct LlamaDefaults {
  double eps = 1e-6;
  bool attention_bias = false, tied = false;
  std::string_view activation_key = "hidden_act", activation = "silu";
  std::int64_t head_dim = 0;  // 0: hidden_size / heads
  std::int64_t kv_heads = 0;  // where the config does not name them at all; 0: heads
  RopeDefaults rope;
};
DecoderSpec llama_spec(const Config& config, const LlamaDefaults& defaults = {});

// What GPT-2 and its kin share: LayerNorm, biases, a plain feed-forward network. Their configs say the sizes
// under several names (n_embd or hidden_size, n_layer or num_hidden_layers, ...).
struct GptDefaults {
  std::vector<std::string_view> position;  // keys of the context, beside max_position_embeddings
  std::string_view inner;  // key of the feed-forward width, which is 4 * hidden_size where absent
  std::string_view activation, activation_key = "hidden_act";
  bool tied = true, bias = true;
};
DecoderSpec gpt_spec(const Config& config, const GptDefaults& defaults);

// Weights as Megatron-LM names and fuses them: `fused` holds queries, keys and values group by group.
void use_megatron_layout(LayerSpec& layer, std::string_view fused, std::string_view output);

// How a config says a mixture of experts: the number under either of its two names (num_experts,
// num_local_experts), num_experts_per_tok; the inner width under `width`.
MixtureSpec mixture_spec(const Config& config, std::string_view width, std::string_view activation);

// Attention with linear biases (Press et al., 2022) instead of positions: the slopes of the paper, or of
// another greatest exponent.
void add_alibi(AttentionLayerSpec& attention, double greatest = 8);

// Which layers see a window only: layer_types, or `otherwise` of a layer's index where the config has none.
std::vector<bool> sliding_layers(const Config& config, std::int64_t layers,
                                 const std::function<bool(std::int64_t)>& otherwise);

// The same, by sliding_window_pattern (`pattern` where the config has none): every so many layers, the last
// of them sees all.
std::vector<bool> sliding_by_pattern(const Config& config, std::int64_t layers, std::int64_t pattern);

// Keys that a layer of this window sees: sliding_window, 0 where it is null, `otherwise` where it is not
// given.
int window_of(const Config& config, int otherwise);
// The same of any number: null is `none`.
double number_or_null(const Config& config, std::string_view key, double otherwise, double none);
// clip_qkv: 0 where it is null or not there. Throws kInvalid for one that is not above 0.
double clip_of(const Config& config);

// The heads of every decoder beside its own: labels of the whole text, read at its last token.
std::span<const HeadSpec> decoder_heads();

// Buffers that old checkpoints store, and the copy of a tied head.
bool ignores_buffers(std::string_view weight);

}  // namespace swiftlet::models
