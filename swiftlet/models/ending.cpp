#include "swiftlet/models/ending.h"

#include "swiftlet/core/error.h"
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
    default:
      fail(ErrorCode::kUnsupported, "pooling", "'{}' is not available; known are mean, cls, max, lasttoken",
           to_string(pooling));
  }
}

Value sentence_vector(Value x, const SentenceTransformer& sentence) {
  x = pool(x, pool_mode(sentence.pooling));
  return sentence.normalize ? l2_normalize(x) : x;
}

}  // namespace

void finish(Value x, const Ending& ending, const HeadPlace& place) {
  Graph& graph = *x.graph;
  if (ending.sentence != nullptr) {
    graph.add_output(sentence_vector(x, *ending.sentence).named("sentence_embedding"));
  } else if (ending.head != nullptr) {
    add_head(x, *ending.head, describe_head(*ending.head, "", place.config), place);
  } else {
    graph.add_output(x.named("last_hidden_state"));
  }
}

}  // namespace swiftlet::models
