#include "swiftlet/graph/verify.h"

#include <set>

#include "swiftlet/core/error.h"
#include "swiftlet/graph/op_schema.h"

namespace swiftlet {
namespace {

bool exists(const Graph& graph, ValueId id) {
  return id >= 0 && static_cast<std::size_t>(id) < graph.value_count();
}

std::string label(const Graph& graph, ValueId id) {
  const std::string& name = graph.value(id).name;
  return name.empty() ? fmt::format("%{}", id) : fmt::format("'{}'", name);
}

void verify_inputs(const Graph& graph, const Node& node, const std::vector<bool>& computed) {
  for (ValueId id : node.inputs) {
    if (id == kNoId) continue;
    require(exists(graph, id), node.name, "reads value {}, which is not there", id);
    require(graph.value(id).kind != ValueKind::kComputed || computed[static_cast<std::size_t>(id)], node.name,
            "reads {} before it is computed", label(graph, id));
  }
}

void verify_outputs(const Graph& graph, NodeId id, std::vector<bool>& computed) {
  const Node& node = graph.node(id);
  for (ValueId output : node.outputs) {
    require(exists(graph, output), node.name, "computes value {}, which is not there", output);
    const ValueInfo& info = graph.value(output);
    require(info.kind == ValueKind::kComputed && info.producer == id, node.name,
            "computes {}, which belongs to another", label(graph, output));
    require(!computed[static_cast<std::size_t>(output)], node.name, "computes {} a second time",
            label(graph, output));
    computed[static_cast<std::size_t>(output)] = true;
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
    verify_outputs(graph, id, computed);
    verify_types(graph, node);
  }
  for (ValueId id : graph.outputs()) {
    require(exists(graph, id), "graph", "output {} is not there", id);
    require(graph.value(id).kind != ValueKind::kComputed || computed[static_cast<std::size_t>(id)], "graph",
            "output {} is never computed", label(graph, id));
  }
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < graph.value_count(); ++i) {
    const std::string& name = graph.value(static_cast<ValueId>(i)).name;
    require(name.empty() || names.insert(name).second, "graph", "two values are named '{}'", name);
  }
}

}  // namespace swiftlet
