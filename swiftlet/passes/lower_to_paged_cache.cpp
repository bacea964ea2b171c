//   Before: attention{causal}(q, k, v) -> y        After: cache_append(k, v, $cache.0) -> cache.0'
//                                                         attention_paged(q, cache.0') -> y
#include "swiftlet/passes/lower_to_paged_cache.h"

#include "swiftlet/ops/attention.h"

namespace swiftlet {
namespace {

void lower(Graph& graph, NodeId id, int layer) {
  const Node node = graph.node(id);
  const Value state = graph.add_state("cache." + std::to_string(layer));
  const Value appended =
      graph.insert(id, ops::kCacheAppend, {node.inputs[1], node.inputs[2], state.id}, node.attributes)[0];
  std::vector<ValueId> inputs{node.inputs[0], appended.id};
  inputs.insert(inputs.end(), node.inputs.begin() + 3, node.inputs.end());
  const auto outputs = graph.insert(id, ops::kAttentionPaged, std::move(inputs), node.attributes);
  graph.node(graph.value(outputs[0].id).producer).name = node.name;
  for (std::size_t i = 0; i < outputs.size(); ++i) graph.replace(node.outputs[i], outputs[i].id);
  graph.remove(id);
}

}  // namespace

bool LowerToPagedCache::run(Graph& graph) {
  int layers = 0;
  for (NodeId id : std::vector<NodeId>(graph.order())) {
    const Node& node = graph.node(id);
    if (node.op == &ops::kAttention && node.attributes.get<bool>("causal")) lower(graph, id, layers++);
  }
  return layers > 0;
}

}  // namespace swiftlet
