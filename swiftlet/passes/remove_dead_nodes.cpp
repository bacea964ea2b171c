//   Before: a = f(x); b = g(x); return a        After: a = f(x); return a
#include "swiftlet/passes/remove_dead_nodes.h"

#include "swiftlet/graph/slice.h"

namespace swiftlet {

bool RemoveDeadNodes::run(Graph& graph) {
  const std::vector<bool> needed = needed_nodes(graph, {0, graph.order().size()}, graph.outputs());
  std::vector<NodeId> dead;
  for (std::size_t i = 0; i < needed.size(); ++i)
    if (!needed[i]) dead.push_back(graph.order()[i]);
  for (NodeId id : dead) graph.remove(id);
  return !dead.empty();
}

}  // namespace swiftlet
