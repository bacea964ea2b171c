#include "swiftlet/models/decoder.h"

#include <algorithm>
#include <cmath>

#include "swiftlet/core/error.h"
#include "swiftlet/models/ending.h"
#include "swiftlet/ops/elementwise.h"
#include "swiftlet/ops/embedding.h"
#include "swiftlet/ops/linear.h"
#include "swiftlet/ops/pool.h"

namespace swiftlet::models {
namespace {

using namespace ops;

// Checkpoints of a model without head lack the first part of the names, or all parts.
Scope root_of(const DecoderSpec& spec, const Scope& top) {
  for (std::string_view root = spec.root;;) {
    const Scope w = root.empty() ? top : top[root];
    if (w[spec.embedding].has("weight")) return w;
    if (root.empty()) return top[spec.root];
    const std::size_t dot = root.find('.');
    root = dot == std::string_view::npos ? "" : root.substr(dot + 1);
  }
}

// Ends as hidden.0.
Value embed(const DecoderSpec& spec, Value ids, Value positions, Value table, const Scope& w) {
  Value x = embedding(ids, table);
  if (spec.embedding_scale != 1) x = scale(x, spec.embedding_scale);
  if (!spec.project_in.empty()) x = linear(x, w[spec.project_in], spec.hidden_size, false);
  if (!spec.position_table.empty()) {
    const Shape rows{spec.max_positions + spec.position_offset, spec.hidden_size};
    x = add(x,
            embedding(shift(positions, spec.position_offset), w[spec.position_table].weight("weight", rows)));
  }
  return spec.embedding_norm.empty() ? x : normalize(x, spec.norm, w[spec.embedding_norm]);
}

Value logits_of(const DecoderSpec& spec, Value x, Value table, const Scope& top) {
  const Scope head = top[spec.head].has("weight") ? top[spec.head] : top["lm_head"];
  if (!spec.tied && !head.has("weight"))
    fail(ErrorCode::kUnsupported, fmt::format("{}.weight", spec.head),
         "the checkpoint has no output head: such a model gives vectors, it does not continue texts");
  const Value weight = spec.tied ? table : head.weight("weight", Shape{spec.vocab_size, width_of(x)});
  Value y = linear(x, weight, spec.head_bias ? head.weight("bias", Shape{spec.vocab_size}) : Value{});
  if (spec.logit_scale != 1) y = scale(y, spec.logit_scale);
  if (spec.logit_cap > 0) y = scale(activation(scale(y, 1 / spec.logit_cap), "tanh"), spec.logit_cap);
  return y;
}

}  // namespace

BuiltModel build_decoder(const DecoderSpec& spec, const Config& config, const Scope::Shapes& shapes,
                         const Ending& ending) {
  BuiltModel model{.kind = Kind::kDecoder,
                   .layers = spec.layers,
                   .hidden_size = spec.hidden_size,
                   .vocab_size = spec.vocab_size,
                   .max_positions = spec.max_positions};
  Graph& graph = model.graph;
  const Scope top(graph, shapes);
  const Scope w = root_of(spec, top);
  const Type rows{DType::kI32, {Dim::symbol("tokens")}};
  const Value ids = graph.add_input("token_ids", rows);
  const Value positions = graph.add_input("positions", rows);
  const std::int64_t width = spec.embedding_width > 0 ? spec.embedding_width : spec.hidden_size;
  const Value table = w[spec.embedding].weight("weight", Shape{spec.vocab_size, width});

  Value x = embed(spec, ids, positions, table, w).named("hidden.0");
  for (std::int64_t i = 0; i < spec.layers; ++i) {
    LayerSpec layer = spec.layer;
    if (spec.vary) spec.vary(layer, i);
    if (layer.attention.rope)
      model.short_context = std::max(model.short_context, layer.attention.rope->short_context);
    x = transformer_layer(x, {.positions = positions}, layer, w[spec.layer_list][static_cast<int>(i)]);
    if (i + 1 < spec.layers) x.named("hidden." + std::to_string(i + 1));
  }
  if (!spec.final_norm.empty()) x = normalize(x, spec.norm, w[spec.final_norm]);
  if (!spec.project_out.empty()) x = linear(x, w[spec.project_out], width, false);
  x.named("hidden." + std::to_string(spec.layers));
  if (ending.sentence != nullptr || ending.head != nullptr || !spec.layer.attention.spec.causal) {
    model.kind = Kind::kEncoder;
    finish(x, ending,
           {.config = config,
            .top = top,
            .root = w,
            .table = table,
            .activation = spec.layer.mlp.activation,
            .eps = spec.norm.eps});
    return model;
  }
  const Value output_rows = graph.add_input("output_rows", {DType::kI32, {Dim::symbol("outputs")}});
  graph.add_output(logits_of(spec, select_rows(x, output_rows), table, top).named("logits"));
  return model;
}

DecoderSpec llama_spec(const Config& config, const LlamaDefaults& defaults) {
  DecoderSpec spec;
  spec.layers = config.require_int("num_hidden_layers", 1, 4096);
  spec.hidden_size = config.require_int("hidden_size", 1, kMaxExtent);
  spec.vocab_size = config.require_int("vocab_size", 1, kMaxExtent);
  spec.max_positions = rope_context(config, config.int_or("max_position_embeddings", 2048, 1, kMaxExtent));
  spec.tied = config.bool_or("tie_word_embeddings", defaults.tied);
  spec.norm.eps = config.number_or("rms_norm_eps", defaults.eps, 0, 1);
  spec.layer.norm = spec.layer.attention.qk_norm_spec = spec.norm;

  const std::int64_t heads = config.require_int("num_attention_heads", 1, 65536);
  const bool is_given = defaults.kv_heads == 0 || config.given("num_key_value_heads");
  const std::int64_t kv_heads =
      config.int_or("num_key_value_heads", is_given ? heads : defaults.kv_heads, 1, heads);
  const std::int64_t usual = defaults.head_dim > 0 ? defaults.head_dim : spec.hidden_size / heads;
  const std::int64_t head_dim = config.int_or("head_dim", usual, 1, 65536);
  AttentionLayerSpec& attention = spec.layer.attention;
  attention.spec = attention_of(config, heads, kv_heads, head_dim, true);
  attention.rope = rope_spec(config, head_dim, defaults.rope);
  attention.bias = attention.output_bias = config.bool_or("attention_bias", defaults.attention_bias);

  FeedForwardSpec& mlp = spec.layer.mlp;
  mlp.width = config.require_int("intermediate_size", 1, kMaxExtent);
  mlp.activation = config.string_or(defaults.activation_key, defaults.activation);
  mlp.bias = mlp.down_bias = config.bool_or("mlp_bias", false);
  return spec;
}

namespace {

// The first of the keys that the config has; the last names the missing one.
std::string_view first_key(const Config& config, const std::vector<std::string_view>& keys) {
  for (const std::string_view key : keys)
    if (config.has(key)) return key;
  return keys.back();
}

}  // namespace

MixtureSpec mixture_spec(const Config& config, std::string_view width, std::string_view activation) {
  MixtureSpec spec;
  const std::string_view count = first_key(config, {"num_local_experts", "num_experts"});
  spec.experts = config.require_int(count, 1, kernels::kMaxExperts);
  spec.routing.chosen =
      config.require_int("num_experts_per_tok", 1, std::min(spec.experts, kernels::kMaxChosen));
  spec.width = config.require_int(width, 1, kMaxExtent);
  spec.activation.name = activation;
  return spec;
}

DecoderSpec gpt_spec(const Config& config, const GptDefaults& defaults) {
  const auto size = [&](const std::vector<std::string_view>& keys, std::int64_t most) {
    return config.require_int(first_key(config, keys), 1, most);
  };
  DecoderSpec spec;
  spec.root = "transformer";
  spec.embedding = "wte";
  spec.layer_list = "h";
  spec.final_norm = "ln_f";
  spec.layers = size({"n_layer", "n_layers", "num_hidden_layers"}, 4096);
  spec.hidden_size = size({"n_embd", "d_model", "n_embed", "hidden_size"}, kMaxExtent);
  spec.vocab_size = config.require_int("vocab_size", 1, kMaxExtent);
  std::vector<std::string_view> position = defaults.position;
  position.push_back("max_position_embeddings");
  spec.max_positions = config.int_or(first_key(config, position), 2048, 1, kMaxExtent);
  spec.tied = config.bool_or("tie_word_embeddings", defaults.tied);
  const double eps =
      config.number_or(first_key(config, {"layer_norm_epsilon", "layer_norm_eps"}), 1e-5, 0, 1);
  spec.norm = spec.layer.norm = {.kind = NormKind::kLayer, .bias = true, .eps = eps};

  const std::string_view heads_key = first_key(config, {"n_head", "n_heads", "num_attention_heads"});
  const std::int64_t heads = config.require_int(heads_key, 1, 65536);
  require(spec.hidden_size % heads == 0, fmt::format("{}: {}", config.where(), heads_key),
          "{} does not divide the width {}", heads, spec.hidden_size);
  const std::int64_t kv_heads = config.int_or("num_key_value_heads", heads, 1, heads);
  AttentionLayerSpec& attention = spec.layer.attention;
  attention.spec = attention_of(config, heads, kv_heads, spec.hidden_size / heads, true);
  attention.bias = attention.output_bias = defaults.bias;

  FeedForwardSpec& mlp = spec.layer.mlp;
  mlp.width = config.int_or(defaults.inner, 4 * spec.hidden_size, 1, kMaxExtent);
  mlp.activation = config.string_or(defaults.activation_key, defaults.activation);
  mlp.gate = "";
  mlp.bias = mlp.down_bias = defaults.bias;
  return spec;
}

void use_megatron_layout(LayerSpec& layer, std::string_view fused, std::string_view output) {
  layer.attention.fused = fused;
  layer.attention.order = QkvOrder::kByGroup;
  layer.attention.output = output;
  layer.mlp.up = "mlp.dense_h_to_4h";
  layer.mlp.down = "mlp.dense_4h_to_h";
}

void add_alibi(AttentionLayerSpec& attention, double greatest) {
  // A geometric series for a power of two of heads; where there are fewer, every second of the next power's
  // first.
  const std::int64_t heads = attention.spec.heads;
  std::int64_t power = 1;
  while (power < heads) power *= 2;
  const auto slope = [&](std::int64_t i) {
    return static_cast<float>(std::exp2(-greatest * static_cast<double>(i + 1) / static_cast<double>(power)));
  };
  attention.spec.alibi = true;
  for (std::int64_t i = 0; i < heads; ++i)
    attention.alibi_slopes.push_back(power == heads ? slope(i)
                                                    : slope(i < power / 2 ? 2 * i + 1 : 2 * (i - power / 2)));
}

std::vector<bool> sliding_layers(const Config& config, std::int64_t layers,
                                 const std::function<bool(std::int64_t)>& otherwise) {
  std::vector<bool> sliding;
  if (!config.has("layer_types")) {
    for (std::int64_t i = 0; i < layers; ++i) sliding.push_back(otherwise(i));
    return sliding;
  }
  for (const std::string& type : config.strings("layer_types")) {
    if (type != "sliding_attention" && type != "full_attention")
      fail(ErrorCode::kUnsupported, config.where() + ": layer_types",
           "'{}' is not available, only full_attention and sliding_attention", type);
    sliding.push_back(type == "sliding_attention");
  }
  require(sliding.size() == static_cast<std::size_t>(layers), config.where() + ": layer_types",
          "has {} entries for {} layers", sliding.size(), layers);
  return sliding;
}

std::vector<bool> sliding_by_pattern(const Config& config, std::int64_t layers, std::int64_t pattern) {
  const std::int64_t every = config.int_or("sliding_window_pattern", pattern, 1, kMaxExtent);
  return sliding_layers(config, layers, [&](std::int64_t i) { return (i + 1) % every != 0; });
}

int window_of(const Config& config, int otherwise) {
  const char* key = "sliding_window";
  if (config.has(key)) return static_cast<int>(config.require_int(key, 1, kMaxExtent));
  return config.given(key) ? 0 : otherwise;
}

double number_or_null(const Config& config, std::string_view key, double otherwise, double none) {
  return config.given(key) ? config.number_or(key, none, 0, 1e9) : otherwise;
}

double clip_of(const Config& config) {
  return config.has("clip_qkv") ? config.require_number("clip_qkv", 1e-9, 1e9) : 0;
}

std::span<const HeadSpec> decoder_heads() {
  static const HeadSpec kHeads[] = {{.suffix = "ForSequenceClassification",
                                     .task = Task::kSequence,
                                     .projection = "score",
                                     .reading = Reading::kLast,
                                     .projection_bias = false}};
  return kHeads;
}

bool ignores_buffers(std::string_view name) {
  return name.ends_with("rotary_emb.inv_freq") || name == "lm_head.weight";
}

}  // namespace swiftlet::models
