#include <cmath>

#include "swiftlet/core/error.h"
#include "swiftlet/models/families.h"
#include "swiftlet/ops/attention.h"
#include "swiftlet/ops/elementwise.h"
#include "swiftlet/ops/embedding.h"
#include "swiftlet/ops/linear.h"
#include "swiftlet/ops/norm.h"
#include "swiftlet/ops/pool.h"
#include "swiftlet/ops/row_function.h"

namespace swiftlet::models {
namespace {

using namespace ops;

struct BertConfig {
  std::int64_t layers, hidden_size, intermediate_size, vocab_size, max_positions, type_vocab_size;
  double eps;
  std::string activation;
  AttentionSpec attention;
};

BertConfig read_config(const Config& config) {
  BertConfig c;
  c.layers = config.require_int("num_hidden_layers", 1, 4096);
  c.hidden_size = config.require_int("hidden_size", 1, kMaxExtent);
  c.intermediate_size = config.require_int("intermediate_size", 1, kMaxExtent);
  c.vocab_size = config.require_int("vocab_size", 1, kMaxExtent);
  c.max_positions = config.require_int("max_position_embeddings", 1, kMaxExtent);
  c.type_vocab_size = config.int_or("type_vocab_size", 2, 1, 1024);
  c.eps = config.number_or("layer_norm_eps", 1e-12, 0, 1);
  c.activation = config.string_or("hidden_act", "gelu");
  const std::int64_t heads = config.require_int("num_attention_heads", 1, 65536);
  require(c.hidden_size % heads == 0, config.where() + ": num_attention_heads",
          "{} does not divide hidden_size {}", heads, c.hidden_size);
  if (const std::string kind = config.string_or("position_embedding_type", "absolute"); kind != "absolute")
    fail(ErrorCode::kUnsupported, config.where() + ": position_embedding_type",
         "'{}' is not available, only absolute", kind);
  if (config.bool_or("is_decoder", false))
    fail(ErrorCode::kUnsupported, config.where() + ": is_decoder", "BERT as a decoder is not available");
  const auto head_dim = static_cast<int>(c.hidden_size / heads);
  c.attention = {.heads = static_cast<int>(heads),
                 .kv_heads = static_cast<int>(heads),
                 .head_dim = head_dim,
                 .value_dim = head_dim,
                 .scale = 1.0f / std::sqrt(static_cast<float>(head_dim))};
  return c;
}

Value embeddings(Value ids, Value positions, Value token_types, const BertConfig& c, const Scope& w) {
  const Value words =
      embedding(ids, w["word_embeddings"].weight("weight", Shape{c.vocab_size, c.hidden_size}));
  const Value types = embedding(
      token_types, w["token_type_embeddings"].weight("weight", Shape{c.type_vocab_size, c.hidden_size}));
  const Value places =
      embedding(positions, w["position_embeddings"].weight("weight", Shape{c.max_positions, c.hidden_size}));
  return layer_norm(add(add(words, types), places), w["LayerNorm"], c.eps);
}

Value encoder_layer(Value x, const BertConfig& c, const Scope& w) {
  const Value q = linear(x, w["attention.self.query"], c.hidden_size, true);
  const Value k = linear(x, w["attention.self.key"], c.hidden_size, true);
  const Value v = linear(x, w["attention.self.value"], c.hidden_size, true);
  const Value a = linear(attention(q, k, v, c.attention), w["attention.output.dense"], c.hidden_size, true);
  x = layer_norm(add(a, x), w["attention.output.LayerNorm"], c.eps);
  const Value h = activation(linear(x, w["intermediate.dense"], c.intermediate_size, true), c.activation);
  return layer_norm(add(linear(h, w["output.dense"], c.hidden_size, true), x), w["output.LayerNorm"], c.eps);
}

std::string_view pool_mode(Pooling pooling) {
  switch (pooling) {
    case Pooling::kMean:
      return "mean";
    case Pooling::kCls:
      return "cls";
    case Pooling::kMax:
      return "max";
    case Pooling::kLastToken:
      return "last";
    default:
      fail(ErrorCode::kUnsupported, "pooling", "'{}' is not available; known are mean, cls, max, lasttoken",
           to_string(pooling));
  }
}

BuiltModel build(const Config& config, const Scope::Shapes& shapes, const SentenceTransformer* sentence) {
  const BertConfig c = read_config(config);
  BuiltModel model{.kind = Kind::kEncoder,
                   .layers = c.layers,
                   .hidden_size = c.hidden_size,
                   .vocab_size = c.vocab_size,
                   .max_positions = c.max_positions};
  Graph& graph = model.graph;
  const Scope root(graph, shapes);
  const Scope w = root["bert"].has("embeddings.word_embeddings.weight") ? root["bert"] : root;
  const Type rows{DType::kI32, {Dim::symbol("tokens")}};
  const Value ids = graph.add_input("token_ids", rows);
  const Value positions = graph.add_input("positions", rows);
  const Value token_types = graph.add_input("token_types", rows);

  Value x = embeddings(ids, positions, token_types, c, w["embeddings"]).named("hidden.0");
  for (std::int64_t i = 0; i < c.layers; ++i)
    x = encoder_layer(x, c, w["encoder.layer"][static_cast<int>(i)]).named("hidden." + std::to_string(i + 1));
  if (sentence == nullptr) {
    graph.add_output(x.named("last_hidden_state"));
    return model;
  }
  x = pool(x, pool_mode(sentence->pooling));
  if (sentence->normalize) x = l2_normalize(x);
  graph.add_output(x.named("sentence_embedding"));
  return model;
}

// The pooler and the heads of other tasks; embeddings do not read them.
bool ignores(std::string_view name) {
  return name.find("pooler.") != std::string_view::npos || name.starts_with("cls.") ||
         name.starts_with("classifier.") || name.ends_with("embeddings.position_ids");
}

}  // namespace

const Family kBert{.model_type = "bert",
                   .title = "BERT",
                   .kind = Kind::kEncoder,
                   .build = build,
                   .ignores = ignores,
                   .harmless = {"tie_word_embeddings"}};

}  // namespace swiftlet::models
