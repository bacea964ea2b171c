#include "swiftlet/models/ending.h"

#include "swiftlet/core/error.h"
#include "swiftlet/models/transformer.h"
#include "swiftlet/ops/elementwise.h"
#include "swiftlet/ops/linear.h"
#include "swiftlet/ops/pool.h"
#include "swiftlet/ops/row_function.h"

namespace swiftlet::models {
namespace {

using namespace ops;

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
    case Pooling::kMeanSqrtLength:
      return "mean_sqrt";
    case Pooling::kWeightedMean:
      return "weighted";
  }
  fail(ErrorCode::kInvalid, "pooling", "mode {} is not known", static_cast<int>(pooling));
}

Value pooled(Value x, const SentenceTransformer& sentence) {
  std::string modes;
  for (const Pooling mode : sentence.pooling)
    modes += fmt::format("{}{}", modes.empty() ? "" : ",", pool_mode(mode));
  const Type per_sequence{DType::kI32, {Dim::symbol("sequences")}};
  return pool(x, modes,
              sentence.include_prompt ? Value{} : x.graph->add_input("skipped_tokens", per_sequence));
}

Value dense(Value x, const SentenceLayer& layer, const Scope& w) {
  Value y = linear(x, w["linear"], layer.outputs, layer.bias);
  if (!layer.activation.empty()) y = activation(y, layer.activation);
  if (!layer.residual) return y;
  const bool same = x.type().shape.back().constant() == layer.outputs;
  return add(y, same ? x : linear(x, w["residual"], layer.outputs, false));
}

Value sentence_vector(Value x, const SentenceTransformer& sentence, const Scope& top) {
  x = pooled(x, sentence);
  for (const SentenceLayer& layer : sentence.layers) switch (layer.kind) {
      case SentenceLayer::Kind::kDense:
        x = dense(x, layer, top[layer.name]);
        break;
      case SentenceLayer::Kind::kLayerNorm:
        x = normalize(x, {.kind = NormKind::kLayer, .bias = true, .eps = 1e-5}, top[layer.name]["norm"]);
        break;
      case SentenceLayer::Kind::kNormalize:
        x = l2_normalize(x);
        break;
    }
  return x;
}

}  // namespace

void finish(Value x, const Ending& ending, const HeadPlace& place) {
  Graph& graph = *x.graph;
  if (ending.sentence != nullptr) {
    graph.add_output(sentence_vector(x, *ending.sentence, place.top).named("sentence_embedding"));
  } else if (ending.head != nullptr) {
    add_head(x, *ending.head, describe_head(*ending.head, "", place.config), place);
  } else {
    graph.add_output(x.named("last_hidden_state"));
  }
}

}  // namespace swiftlet::models
