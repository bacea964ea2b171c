#include "swiftlet/models/encoder.h"

#include <array>

#include "swiftlet/core/error.h"
#include "swiftlet/models/ending.h"
#include "swiftlet/ops/elementwise.h"
#include "swiftlet/ops/embedding.h"
#include "swiftlet/ops/linear.h"
#include "swiftlet/ops/relative_bias.h"
#include "swiftlet/ops/unfold.h"

namespace swiftlet::models {
namespace {

using namespace ops;

std::int64_t embedding_width(const EncoderSpec& spec) {
  return spec.embedding_width > 0 ? spec.embedding_width : spec.hidden_size;
}

Value embed(const EncoderSpec& spec, Graph& graph, Value ids, Value positions, Value table, const Scope& w) {
  const std::int64_t width = embedding_width(spec);
  Value x = embedding(ids, table);
  if (!spec.token_types.empty()) {
    const Value types = graph.add_input("token_types", ids.type());
    x = add(x, embedding(types, w[spec.token_types].weight("weight", Shape{spec.type_rows, width})));
  }
  if (!spec.positions.empty()) {
    const Value rows = w[spec.positions].weight("weight", Shape{spec.position_rows, width});
    x = add(x, embedding(shift(positions, spec.position_offset), rows));
  }
  const bool projects = width != spec.hidden_size || spec.projects_always;
  if (projects && spec.projects_before_norm) x = linear(x, w[spec.projection], spec.hidden_size, false);
  if (!spec.embedding_norm.empty()) x = normalize(x, spec.norm, w[spec.embedding_norm]);
  if (projects && !spec.projects_before_norm) x = linear(x, w[spec.projection], spec.hidden_size, true);
  return x;
}

// y: what the first layer makes of x.
Value add_convolution(Value y, Value x, const EncoderSpec& spec, const Scope& w) {
  const Value c = linear(unfold(x, spec.convolution_size), w[spec.convolution], spec.hidden_size, true);
  return normalize(add(y, activation(c, spec.convolution_activation)), spec.norm, w[spec.convolution_norm]);
}

}  // namespace

BuiltModel build_encoder(const EncoderSpec& spec, const Config& config, const Scope::Shapes& shapes,
                         const Ending& ending) {
  BuiltModel model{.kind = Kind::kEncoder,
                   .layers = spec.layers,
                   .hidden_size = spec.hidden_size,
                   .vocab_size = spec.vocab_size,
                   .max_positions = spec.max_positions,
                   .token_types = spec.token_types.empty() ? 0 : spec.type_rows};
  Graph& graph = model.graph;
  const Scope top(graph, shapes);
  const Scope w = top[spec.root][spec.words].has("weight") ? top[spec.root] : top;
  const Type rows{DType::kI32, {Dim::symbol("tokens")}};
  const Value ids = graph.add_input("token_ids", rows);
  LayerInputs inputs{.positions = graph.add_input("positions", rows)};

  const Value words = w[spec.words].weight("weight", Shape{spec.vocab_size, embedding_width(spec)});
  Value x = embed(spec, graph, ids, inputs.positions, words, w).named("hidden.0");
  if (!spec.relative_bias.empty()) {
    const Shape buckets{kT5Buckets, spec.layer.attention.spec.heads};
    inputs.relative_bias = t5_relative_bias(w[spec.relative_bias].weight("weight", buckets));
  }
  if (!spec.relative_positions.empty()) {
    const Shape shape{spec.relative_rows, spec.hidden_size};
    inputs.relative_positions = w[spec.relative_positions].weight("weight", shape);
    if (!spec.relative_norm.empty())
      inputs.relative_positions = normalize(inputs.relative_positions, spec.norm, w[spec.relative_norm]);
  }
  for (std::int64_t i = 0; i < spec.layers; ++i) {
    LayerSpec layer = spec.layer;
    if (spec.vary) spec.vary(layer, i);
    const std::string place = spec.place ? spec.place(i) : std::to_string(i);
    const Value y = transformer_layer(x, inputs, layer, w[spec.layer_list][place]);
    x = i == 0 && !spec.convolution.empty() ? add_convolution(y, x, spec, w) : y;
    if (i + 1 < spec.layers || spec.final_norm.empty()) x.named("hidden." + std::to_string(i + 1));
  }
  if (!spec.final_norm.empty())
    x = normalize(x, spec.norm, w[spec.final_norm]).named("hidden." + std::to_string(spec.layers));
  finish(x, ending,
         {.config = config,
          .top = top,
          .root = w,
          .table = words,
          .activation = spec.layer.mlp.activation,
          .eps = spec.norm.eps});
  return model;
}

EncoderSpec bert_spec(const Config& config, const BertKeys& keys) {
  require_only(config, "position_embedding_type", std::string_view("absolute"));
  require_only(config, "is_decoder", false);
  EncoderSpec spec;
  spec.layers = config.require_int(keys.layers, 1, 4096);
  spec.hidden_size = config.require_int(keys.hidden_size, 1, kMaxExtent);
  spec.vocab_size = config.require_int("vocab_size", 1, kMaxExtent);
  spec.max_positions = spec.position_rows = config.require_int(keys.positions, 1, kMaxExtent);
  spec.type_rows = config.int_or("type_vocab_size", 2, 0, 1024);
  spec.norm = {.kind = NormKind::kLayer, .bias = true, .eps = config.number_or(keys.eps, 1e-12, 0, 1)};

  const std::int64_t heads = config.require_int(keys.heads, 1, 65536);
  require(spec.hidden_size % heads == 0, fmt::format("{}: {}", config.where(), keys.heads),
          "{} does not divide {} {}", heads, keys.hidden_size, spec.hidden_size);
  LayerSpec& layer = spec.layer;
  layer.norm = spec.norm;
  layer.before_attention = layer.before_mlp = "";
  layer.attention_sum = "attention.output.LayerNorm";
  layer.mlp_sum = "output.LayerNorm";
  layer.attention.spec = attention_of(config, heads, heads, spec.hidden_size / heads, false);
  layer.attention.query = "attention.self.query";
  layer.attention.key = "attention.self.key";
  layer.attention.value = "attention.self.value";
  layer.attention.output = "attention.output.dense";
  layer.attention.bias = layer.attention.output_bias = true;
  layer.mlp.width = config.require_int(keys.inner, 1, kMaxExtent);
  layer.mlp.activation = config.string_or(keys.activation_key, keys.activation);
  layer.mlp.gate = "";
  layer.mlp.up = "intermediate.dense";
  layer.mlp.down = "output.dense";
  layer.mlp.bias = layer.mlp.down_bias = true;
  return spec;
}

bool ignores_heads(std::string_view name) {
  constexpr std::array kBegins{"cls.",       "classifier.",    "lm_head.", "qa_outputs.",
                               "score.",     "predictions.",   "vocab_",   "pre_classifier.",
                               "generator_", "discriminator_", "head.",    "decoder."};
  for (const std::string_view begin : kBegins)
    if (name.starts_with(begin)) return true;
  return name.find("pooler.") != std::string_view::npos || name.ends_with("embeddings.position_ids");
}

}  // namespace swiftlet::models
