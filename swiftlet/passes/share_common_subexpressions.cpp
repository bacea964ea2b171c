//   Before: a = f(x); b = f(x); c = g(a, b)        After: a = f(x); c = g(a, a)
#include "swiftlet/passes/share_common_subexpressions.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "swiftlet/graph/op_schema.h"

namespace swiftlet {
namespace {

bool has_output(const Graph& graph, const Node& node) {
  return std::any_of(node.outputs.begin(), node.outputs.end(),
                     [&](ValueId id) { return graph.is_output(id); });
}

}  // namespace

bool ShareCommonSubexpressions::run(Graph& graph) {
  bool changed = false;
  std::map<std::string, NodeId> seen;
  for (NodeId id : std::vector<NodeId>(graph.order())) {
    const Node& node = graph.node(id);
    if (node.op->has_effect) continue;
    const auto key =
        fmt::format("{}({}){{{}}}", node.op->name, fmt::join(node.inputs, ","), node.attributes.to_string());
    const auto [place, is_new] = seen.emplace(key, id);
    if (is_new) continue;
    const Node& first = graph.node(place->second);
    if (has_output(graph, node)) continue;  // its name must stay findable
    for (std::size_t i = 0; i < node.outputs.size(); ++i) graph.replace(node.outputs[i], first.outputs[i]);
    graph.remove(id);
    changed = true;
  }
  return changed;
}

}  // namespace swiftlet
