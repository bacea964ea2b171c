//   Before: a = f(x); b = f(x); c = g(a, b)        After: a = f(x); c = g(a, a)
#include "swiftlet/passes/share_common_subexpressions.h"

#include <fmt/ranges.h>

#include <map>
#include <utility>

#include "swiftlet/graph/op_schema.h"

namespace swiftlet {
namespace {

// Two outputs of the graph stay two, each under its own name.
bool are_both_outputs(const Graph& graph, const Node& a, const Node& b) {
  for (std::size_t i = 0; i < a.outputs.size(); ++i)
    if (graph.is_output(a.outputs[i]) && graph.is_output(b.outputs[i])) return true;
  return false;
}

// The name of an output goes before any other.
void redirect(Graph& graph, ValueId from, ValueId to) {
  if (graph.is_output(from) && !graph.value(from).name.empty())
    graph.value(to).name = std::exchange(graph.value(from).name, {});
  graph.replace(from, to);
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
    if (are_both_outputs(graph, first, node)) continue;
    for (std::size_t i = 0; i < node.outputs.size(); ++i) redirect(graph, node.outputs[i], first.outputs[i]);
    graph.remove(id);
    changed = true;
  }
  return changed;
}

}  // namespace swiftlet
