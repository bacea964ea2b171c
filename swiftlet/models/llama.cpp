#include "swiftlet/models/llama.h"

#include <cmath>

#include "swiftlet/core/error.h"
#include "swiftlet/models/rope_config.h"
#include "swiftlet/ops/attention.h"
#include "swiftlet/ops/elementwise.h"
#include "swiftlet/ops/embedding.h"
#include "swiftlet/ops/linear.h"
#include "swiftlet/ops/norm.h"
#include "swiftlet/ops/pool.h"

namespace swiftlet::models {
namespace {

using namespace ops;

struct LlamaConfig {
  std::int64_t layers, hidden_size, intermediate_size, vocab_size, max_positions;
  double eps;
  bool attention_bias, mlp_bias, tied;
  std::string activation;
  AttentionSpec attention;
  RopeSpec rope;
};

LlamaConfig read_config(const Config& config) {
  LlamaConfig c;
  c.layers = config.require_int("num_hidden_layers", 1, 4096);
  c.hidden_size = config.require_int("hidden_size", 1, kMaxExtent);
  c.intermediate_size = config.require_int("intermediate_size", 1, kMaxExtent);
  c.vocab_size = config.require_int("vocab_size", 1, kMaxExtent);
  c.max_positions = config.int_or("max_position_embeddings", 2048, 1, kMaxExtent);
  c.eps = config.number_or("rms_norm_eps", 1e-6, 0, 1);
  c.attention_bias = config.bool_or("attention_bias", false);
  c.mlp_bias = config.bool_or("mlp_bias", false);
  c.tied = config.bool_or("tie_word_embeddings", false);
  c.activation = config.string_or("hidden_act", "silu");
  const std::int64_t heads = config.require_int("num_attention_heads", 1, 65536);
  const std::int64_t kv_heads = config.int_or("num_key_value_heads", heads, 1, heads);
  const std::int64_t head_dim = config.int_or("head_dim", c.hidden_size / heads, 1, 65536);
  require(heads % kv_heads == 0, config.where() + ": num_key_value_heads", "{} does not divide {} heads",
          kv_heads, heads);
  c.attention = {.heads = static_cast<int>(heads),
                 .kv_heads = static_cast<int>(kv_heads),
                 .head_dim = static_cast<int>(head_dim),
                 .value_dim = static_cast<int>(head_dim),
                 .scale = 1.0f / std::sqrt(static_cast<float>(head_dim)),
                 .causal = true};
  c.rope = rope_spec(config, head_dim);
  return c;
}

Value decoder_layer(Value x, Value positions, const LlamaConfig& c, const Scope& w) {
  Value h = rms_norm(x, w["input_layernorm"], c.eps);
  const Value q = rope(linear(h, w["self_attn.q_proj"], c.attention_bias), positions, c.rope);
  const Value k = rope(linear(h, w["self_attn.k_proj"], c.attention_bias), positions, c.rope);
  const Value v = linear(h, w["self_attn.v_proj"], c.attention_bias);
  const Value a = attention(q, k, v, c.attention);
  x = add(x, linear(a, w["self_attn.o_proj"], c.attention_bias));
  h = rms_norm(x, w["post_attention_layernorm"], c.eps);
  const Value gate = activation(linear(h, w["mlp.gate_proj"], c.mlp_bias), c.activation);
  const Value m = mul(gate, linear(h, w["mlp.up_proj"], c.mlp_bias));
  return add(x, linear(m, w["mlp.down_proj"], c.mlp_bias));
}

BuiltModel build(const Config& config, const Scope::Shapes& shapes, const SentenceTransformer*) {
  const LlamaConfig c = read_config(config);
  BuiltModel model{.kind = Kind::kDecoder,
                   .layers = c.layers,
                   .hidden_size = c.hidden_size,
                   .vocab_size = c.vocab_size,
                   .max_positions = c.max_positions};
  Graph& graph = model.graph;
  const Scope root(graph, shapes);
  const Scope w = root["model"];
  const Value ids = graph.add_input("token_ids", {DType::kI32, {Dim::symbol("tokens")}});
  const Value positions = graph.add_input("positions", {DType::kI32, {Dim::symbol("tokens")}});
  const Value output_rows = graph.add_input("output_rows", {DType::kI32, {Dim::symbol("outputs")}});
  const Value table = w["embed_tokens"].weight("weight", Shape{c.vocab_size, c.hidden_size});

  Value x = embedding(ids, table).named("hidden.0");
  for (std::int64_t i = 0; i < c.layers; ++i) {
    x = decoder_layer(x, positions, c, w["layers"][static_cast<int>(i)]);
    if (i + 1 < c.layers) x.named("hidden." + std::to_string(i + 1));
  }
  x = rms_norm(x, w["norm"].weight("weight", Shape{c.hidden_size}), c.eps)
          .named("hidden." + std::to_string(c.layers));
  const Value head = c.tied ? table : root["lm_head"].weight("weight", Shape{c.vocab_size, c.hidden_size});
  graph.add_output(linear(select_rows(x, output_rows), head).named("logits"));
  return model;
}

// Buffers that old checkpoints store, and the copy of a tied head.
bool ignores(std::string_view name) {
  return name.ends_with("rotary_emb.inv_freq") || name == "lm_head.weight";
}

}  // namespace

const Family kLlama{.model_type = "llama", .kind = Kind::kDecoder, .build = build, .ignores = ignores};

}  // namespace swiftlet::models
