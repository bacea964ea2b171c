#include "swiftlet/graph/verify.h"

#include <set>

#include "swiftlet/core/error.h"
#include "swiftlet/graph/op_schema.h"

namespace swiftlet {
namespace {

void verify_inputs(const Graph& graph, const Node& node, const std::vector<bool>& computed) {
  for (ValueId id : node.inputs) {
    if (id == kNoId) continue;
    require(id >= 0 && static_cast<std::size_t>(id) < graph.value_count(), node.name,
            "reads value {}, which is not there", id);
    require(graph.value(id).kind != ValueKind::kComputed || computed[static_cast<std::size_t>(id)], node.name,
            "reads '{}' before it is computed", graph.value(id).name);
  }
}

void verify_types(const Graph& graph, const Node& node) {
  const auto inferred = infer_node(graph, node);
  require(inferred.size() == node.outputs.size(), node.name, "has {} outputs, inference gives {}",
          node.outputs.size(), inferred.size());
  for (std::size_t i = 0; i < inferred.size(); ++i) {
    const Type& type = graph.value(node.outputs[i]).type;
    require(type == inferred[i].type, node.name, "output {} is {}, inference gives {}", i, type.to_string(),
            inferred[i].type.to_string());
  }
}

}  // namespace

void verify(const Graph& graph) {
  std::vector<bool> computed(graph.value_count(), false);
  for (NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    require(!node.removed, node.name, "was removed but is still in the order");
    verify_inputs(graph, node, computed);
    verify_types(graph, node);
    for (ValueId output : node.outputs) computed[static_cast<std::size_t>(output)] = true;
  }
  for (ValueId id : graph.outputs())
    require(graph.value(id).kind != ValueKind::kComputed || computed[static_cast<std::size_t>(id)], "graph",
            "output '{}' is never computed", graph.value(id).name);
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < graph.value_count(); ++i) {
    const std::string& name = graph.value(static_cast<ValueId>(i)).name;
    require(name.empty() || names.insert(name).second, "graph", "two values are named '{}'", name);
  }
}

}  // namespace swiftlet
