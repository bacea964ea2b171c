//   Before: x -> linear(Wq) -> q        After: x -> linear_merged(Wq, Wk, Wv) -> q, k, v
//           x -> linear(Wk) -> k
//           x -> linear(Wv) -> v
#include "swiftlet/passes/merge_linears.h"

#include <map>

#include "swiftlet/ops/linear.h"

namespace swiftlet {
namespace {

bool is_slot(const Graph& graph, ValueId id) {
  return id == kNoId || graph.value(id).kind == ValueKind::kWeight ||
         graph.value(id).kind == ValueKind::kConstant;
}

void merge(Graph& graph, const std::vector<NodeId>& group) {
  std::vector<ValueId> inputs{graph.node(group[0]).inputs[0]};
  std::string activations, name;
  for (std::size_t i = 0; i < group.size(); ++i) {
    const Node& node = graph.node(group[i]);
    inputs.insert(inputs.end(), node.inputs.begin() + 1, node.inputs.end());
    activations += (i ? "," : "") + node.attributes.get_or<std::string>("activation", "");
    name += (i ? "+" : "") + node.name;
  }
  const auto outputs =
      graph.insert(group[0], ops::kLinearMerged, std::move(inputs), {{"activations", activations}});
  graph.node(graph.value(outputs[0].id).producer).name = name;
  for (std::size_t i = 0; i < group.size(); ++i) {
    graph.replace(graph.node(group[i]).outputs[0], outputs[i].id);
    graph.remove(group[i]);
  }
}

}  // namespace

bool MergeLinears::run(Graph& graph) {
  std::map<std::pair<ValueId, std::string>, std::vector<NodeId>> groups;
  for (NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (node.op != &ops::kLinear || graph.value(node.inputs[1]).kind != ValueKind::kWeight ||
        !is_slot(graph, node.inputs[2]))
      continue;
    groups[{node.inputs[0], kind_ ? kind_(graph.value(node.inputs[1]).name) : ""}].push_back(id);
  }
  bool changed = false;
  for (const auto& [key, group] : groups) {
    for (std::size_t begin = 0; begin + 1 < group.size(); begin += ops::kMaxMerged) {
      const std::size_t end = std::min(begin + ops::kMaxMerged, group.size());
      merge(graph, {group.begin() + static_cast<std::ptrdiff_t>(begin),
                    group.begin() + static_cast<std::ptrdiff_t>(end)});
      changed = true;
    }
  }
  return changed;
}

}  // namespace swiftlet
