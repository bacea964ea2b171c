//   Before: embedding(words), embedding(types), embedding(places) -> add, add -> layer_norm -> y
//   After:  embedding_norm(gain, bias, words, types, places) -> y
#include "swiftlet/passes/fuse_embedding_norm.h"

#include <algorithm>

#include "swiftlet/ops/elementwise.h"
#include "swiftlet/ops/embedding.h"
#include "swiftlet/ops/embedding_norm.h"
#include "swiftlet/ops/norm.h"

namespace swiftlet {
namespace {

// The node that makes a value which one other node alone reads.
NodeId sole_producer(const Graph& graph, ValueId id) {
  return graph.is_output(id) || graph.users(id).size() != 1 ? kNoId : graph.value(id).producer;
}

bool is_look_up(const Graph& graph, NodeId id) {
  return id != kNoId && graph.node(id).op == &ops::kEmbedding &&
         graph.value(graph.node(id).inputs[0]).type.shape.size() == 1 &&
         graph.value(graph.node(id).inputs[1]).kind == ValueKind::kWeight;
}

// The look-ups under a chain of additions, in the order of the sum, and the nodes that the fused one
// replaces. Empty when there is anything else.
struct Chain {
  std::vector<NodeId> look_ups, replaced;
};

Chain chain_of(const Graph& graph, ValueId sum) {
  Chain chain;
  for (NodeId at = sole_producer(graph, sum); at != kNoId; at = sole_producer(graph, sum)) {
    chain.replaced.push_back(at);
    const Node& node = graph.node(at);
    if (is_look_up(graph, at)) {  // the first of the sum
      chain.look_ups.push_back(at);
      std::reverse(chain.look_ups.begin(), chain.look_ups.end());
      return chain;
    }
    if (node.op != &ops::kAdd || node.inputs[0] == node.inputs[1]) return {};
    const NodeId last = sole_producer(graph, node.inputs[1]);
    if (!is_look_up(graph, last)) return {};
    chain.look_ups.push_back(last);
    chain.replaced.push_back(last);
    sum = node.inputs[0];
  }
  return {};
}

bool fuse(Graph& graph, NodeId id) {
  const Node norm = graph.node(id);
  if (norm.op != &ops::kLayerNorm) return false;
  for (std::size_t i = 1; i < norm.inputs.size(); ++i)
    if (norm.inputs[i] != kNoId && graph.value(norm.inputs[i]).kind == ValueKind::kComputed) return false;
  const Chain chain = chain_of(graph, norm.inputs[0]);
  if (chain.look_ups.size() < 2 || chain.look_ups.size() > ops::kMaxTables) return false;
  std::vector<ValueId> inputs{norm.inputs[1], norm.inputs.size() > 2 ? norm.inputs[2] : kNoId};
  for (NodeId look_up : chain.look_ups)
    for (ValueId input : graph.node(look_up).inputs) inputs.push_back(input);
  const Value fused = graph.insert(id, ops::kEmbeddingNorm, std::move(inputs), norm.attributes)[0];
  graph.node(graph.value(fused.id).producer).name = norm.name;
  graph.replace(norm.outputs[0], fused.id);
  graph.remove(id);
  for (NodeId node : chain.replaced) graph.remove(node);
  return true;
}

}  // namespace

bool FuseEmbeddingNorm::run(Graph& graph) {
  bool changed = false;
  for (NodeId id : std::vector<NodeId>(graph.order())) {
    if (!graph.node(id).removed) changed = fuse(graph, id) || changed;
  }
  return changed;
}

}  // namespace swiftlet
