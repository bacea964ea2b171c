//   Before: a = f(x); b = g(x); return a        After: a = f(x); return a
#include "swiftlet/passes/remove_dead_nodes.h"

#include <algorithm>

#include "swiftlet/graph/op_schema.h"

namespace swiftlet {

bool RemoveDeadNodes::run(Graph& graph) {
  std::vector<bool> read(graph.value_count(), false);
  for (ValueId output : graph.outputs()) read[static_cast<std::size_t>(output)] = true;
  std::vector<NodeId> dead;
  for (auto it = graph.order().rbegin(); it != graph.order().rend(); ++it) {
    const Node& node = graph.node(*it);
    const bool used = node.op->has_effect ||
                      std::any_of(node.outputs.begin(), node.outputs.end(),
                                  [&](ValueId output) { return read[static_cast<std::size_t>(output)]; });
    if (!used) {
      dead.push_back(*it);
      continue;
    }
    for (ValueId input : node.inputs)
      if (input != kNoId) read[static_cast<std::size_t>(input)] = true;
  }
  for (NodeId id : dead) graph.remove(id);
  return !dead.empty();
}

}  // namespace swiftlet
