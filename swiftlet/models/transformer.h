// What the families of transformers share: a layer of attention and feed-forward network with its residuals,
// described by a plain struct. A family says how its layers differ; decoder.h and encoder.h put them
// together.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/graph/scope.h"
#include "swiftlet/models/family.h"
#include "swiftlet/ops/attention.h"
#include "swiftlet/ops/disentangled.h"
#include "swiftlet/ops/experts.h"
#include "swiftlet/ops/rope.h"

namespace swiftlet::models {

enum class NormKind : std::uint8_t {
  kRms,         // x / rms(x) * w
  kRmsFromOne,  // x / rms(x) * (1 + w), as Gemma stores its gains
  kLayer,       // LayerNorm
};

struct NormSpec {
  NormKind kind = NormKind::kRms;
  bool bias = false;
  double eps = 1e-6;
  bool gain = true;  // else no weights at all (OLMo)
};

// How queries, keys and values lie in the rows of one fused weight.
enum class QkvOrder : std::uint8_t {
  kStacked,  // all queries, all keys, all values
  kByGroup,  // for every key/value head: its queries, its key, its value
};

// What is normalized between projection and rotation.
enum class QkNorm : std::uint8_t {
  kNone,
  kWidth,     // the whole row (OLMo 2)
  kHead,      // each head, one gain for all (Qwen 3)
  kEachHead,  // each head, with a gain of its own: [heads, D] (Command R), or a vector for each (StableLM)
};

struct AttentionLayerSpec {
  ops::AttentionSpec spec;
  std::optional<ops::RopeSpec> rope;
  std::vector<float> alibi_slopes;             // [heads] when spec.alibi
  std::string_view sinks = "self_attn.sinks";  // [heads] when spec.sinks
  // DeBERTa's attention instead of the usual one, over LayerInputs::relative_positions. Projections of these:
  // of their own, or those of the contents where the names are empty.
  std::optional<ops::DisentangledSpec> disentangled;
  bool content_to_position = false, position_to_content = false;
  std::string_view position_key, position_query;
  std::string_view query = "self_attn.q_proj", key = "self_attn.k_proj", value = "self_attn.v_proj";
  std::string_view fused;  // the weight of all three, instead of them
  QkvOrder order = QkvOrder::kStacked;
  std::string_view output = "self_attn.o_proj";
  bool bias = false, output_bias = false;  // of queries, keys and values; of the output
  QkNorm qk_norm = QkNorm::kNone;
  NormSpec qk_norm_spec;
  double clip = 0;  // queries, keys and values stay within [-clip, clip]; 0: as they are
  std::string_view query_norm = "self_attn.q_norm", key_norm = "self_attn.k_norm";
};

struct FeedForwardSpec {
  std::int64_t width = 0;
  std::string activation;
  std::string_view gate = "mlp.gate_proj";  // empty: activation(up(x)) alone
  std::string_view up = "mlp.up_proj", down = "mlp.down_proj";
  std::string_view fused;  // the weight of gate, then up, instead of them
  bool fused_up_first = false;
  bool bias = false, down_bias = false;
};

// A mixture of experts in the place of the feed-forward network: see ops/experts.h.
struct MixtureSpec {
  std::int64_t experts = 0, width = 0;
  kernels::Routing routing;
  ops::ExpertActivation activation;
  std::string_view router = "mlp.gate", list = "mlp.experts";
  std::string_view gate = "gate_proj", up = "up_proj", down = "down_proj";  // under list.<number>
  bool router_bias = false, bias = false;
  // A network beside the experts that every row goes through, by the sigmoid of a gate of its own.
  std::int64_t shared_width = 0;  // 0: none
  std::string_view shared = "mlp.shared_expert", shared_gate = "mlp.shared_expert_gate";
};

// x -> x + attention(norm(x)) -> x + feed_forward(norm(x)), or both halves on the layer's input (parallel).
// A norm whose name is empty is not there.
struct LayerSpec {
  NormSpec norm;
  std::string_view before_attention = "input_layernorm", after_attention, attention_sum;
  std::string_view before_mlp = "post_attention_layernorm", after_mlp, mlp_sum;
  bool parallel = false;             // an empty before_mlp then shares the norm of attention
  bool residual_after_norm = false;  // what is added to is the normalized input (a variant of BLOOM)
  double residual_scale = 1;         // of what both halves add
  AttentionLayerSpec attention;
  FeedForwardSpec mlp;
  std::optional<MixtureSpec> mixture;  // instead of mlp
};

// The inputs that all layers read.
struct LayerInputs {
  Value positions;
  Value relative_bias;       // when the attention asks for it
  Value relative_positions;  // [rows, width], when it is disentangled
};

// Columns of an activation.
std::int64_t width_of(Value x);
Value normalize(Value x, const NormSpec& norm, const Scope& w);
// The layer whose weights stand under `w`.
Value transformer_layer(Value x, const LayerInputs& inputs, const LayerSpec& layer, const Scope& w);

// Heads of a config as an attention spec, with the usual scale: `kv_heads` must divide `heads`.
ops::AttentionSpec attention_of(const Config& config, std::int64_t heads, std::int64_t kv_heads,
                                std::int64_t head_dim, bool causal);

// Throws kUnsupported naming the key when the config sets it to anything but `only`.
void require_only(const Config& config, std::string_view key, bool only);
void require_only(const Config& config, std::string_view key, std::string_view only);

}  // namespace swiftlet::models
