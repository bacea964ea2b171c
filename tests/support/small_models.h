// A small decoder of the Llama kind and a small encoder of the BERT kind over an input "x" [tokens, width],
// for tests that want the patterns of real models without a checkpoint.
#pragma once

#include <cmath>
#include <string>

#include "swiftlet/ops/attention.h"
#include "swiftlet/ops/elementwise.h"
#include "swiftlet/ops/linear.h"
#include "swiftlet/ops/norm.h"
#include "swiftlet/ops/pool.h"
#include "swiftlet/ops/rope.h"
#include "swiftlet/ops/row_function.h"

namespace swiftlet::test {

struct SmallModel {
  int layers = 2, heads = 4, kv_heads = 2, head_dim = 8, width = 32, inner = 80;

  ops::AttentionSpec attention(bool causal) const {
    return {.heads = heads,
            .kv_heads = kv_heads,
            .head_dim = head_dim,
            .value_dim = head_dim,
            .scale = 1 / std::sqrt(static_cast<float>(head_dim)),
            .causal = causal};
  }
};

// Layers add weights under `prefix`.
struct LayerBuilder {
  Graph& graph;
  std::string prefix;

  Value matrix(const std::string& name, std::int64_t n, std::int64_t k) const {
    return graph.add_weight(prefix + name + ".weight", {DType::kF32, {n, k}});
  }
  Value vector(const std::string& name, std::int64_t n) const {
    return graph.add_weight(prefix + name, {DType::kF32, {n}});
  }
  // The bias as an addition of its own, as some importers build it.
  Value linear(Value x, const std::string& name, std::int64_t n, bool bias = false) const {
    const Value y = ops::linear(x, matrix(name, n, x.type().shape.back().constant())).named(prefix + name);
    return bias ? ops::add(y, vector(name + ".bias", n)) : y;
  }
  Value rms_norm(Value x, const std::string& name) const {
    const std::int64_t width = x.type().shape.back().constant();
    return ops::rms_norm(x, vector(name + ".weight", width), 1e-5).named(prefix + name);
  }
  Value layer_norm(Value x, const std::string& name) const {
    const std::int64_t width = x.type().shape.back().constant();
    return ops::layer_norm(x, vector(name + ".weight", width), vector(name + ".bias", width), 1e-5)
        .named(prefix + name);
  }
};

inline Value decoder_layer(Value x, Value positions, const SmallModel& model, const LayerBuilder& layer) {
  ops::RopeSpec rope{.head_dim = model.head_dim, .rotary_dim = model.head_dim};
  rope.inverse_frequencies = ops::default_inverse_frequencies(10000, model.head_dim);
  const std::int64_t keys = std::int64_t{model.kv_heads} * model.head_dim;
  Value h = layer.rms_norm(x, "input_norm");
  const Value q =
      ops::rope(layer.linear(h, "q", std::int64_t{model.heads} * model.head_dim), positions, rope);
  const Value k = ops::rope(layer.linear(h, "k", keys), positions, rope);
  const Value v = layer.linear(h, "v", keys);
  const Value a = ops::attention(q, k, v, model.attention(true)).named(layer.prefix + "attention");
  x = ops::add(x, layer.linear(a, "o", model.width));
  h = layer.rms_norm(x, "post_norm");
  const Value gate = ops::activation(layer.linear(h, "gate", model.inner), "silu");
  return ops::add(x, layer.linear(ops::mul(gate, layer.linear(h, "up", model.inner)), "down", model.width));
}

inline Value encoder_layer(Value x, const SmallModel& model, const LayerBuilder& layer) {
  const std::int64_t keys = std::int64_t{model.kv_heads} * model.head_dim;
  const Value q = layer.linear(x, "q", std::int64_t{model.heads} * model.head_dim, true);
  const Value k = layer.linear(x, "k", keys, true), v = layer.linear(x, "v", keys, true);
  const Value a = ops::attention(q, k, v, model.attention(false));
  x = layer.layer_norm(ops::add(layer.linear(a, "o", model.width, true), x), "attention_norm");
  const Value m = ops::activation(layer.linear(x, "intermediate", model.inner, true), "gelu");
  return layer.layer_norm(ops::add(layer.linear(m, "output", model.width, true), x), "output_norm");
}

// x f32[tokens, width], positions i32[tokens] -> "y" f32[tokens, width]
inline Graph small_decoder(const SmallModel& model = {}) {
  Graph graph;
  const Dim tokens = Dim::symbol("tokens");
  Value x = graph.add_input("x", {DType::kF32, {tokens, model.width}});
  const Value positions = graph.add_input("positions", {DType::kI32, {tokens}});
  for (int i = 0; i < model.layers; ++i)
    x = decoder_layer(x, positions, model, {graph, "layers." + std::to_string(i) + "."})
            .named("hidden." + std::to_string(i));
  graph.add_output(LayerBuilder{graph, ""}.rms_norm(x, "norm").named("y"));
  return graph;
}

// x f32[tokens, width] -> "embedding" f32[sequences, width], of unit length
inline Graph small_encoder(const SmallModel& model = {}) {
  Graph graph;
  Value x = graph.add_input("x", {DType::kF32, {Dim::symbol("tokens"), model.width}});
  for (int i = 0; i < model.layers; ++i)
    x = encoder_layer(x, model, {graph, "layers." + std::to_string(i) + "."})
            .named("hidden." + std::to_string(i));
  graph.add_output(ops::l2_normalize(ops::pool(x, "mean")).named("embedding"));
  return graph;
}

// How many nodes of an op a graph has.
inline int count_nodes(const Graph& graph, std::string_view op) {
  int count = 0;
  for (NodeId id : graph.order()) count += graph.node(id).op->name == op;
  return count;
}

}  // namespace swiftlet::test
