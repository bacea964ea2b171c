//   Before: g -> activation{silu} -> a        After: gate(g, u){activation=silu} -> y
//           mul(a, u) -> y
#include "swiftlet/passes/fuse_gated_activation.h"

#include "swiftlet/ops/elementwise.h"
#include "swiftlet/ops/gate.h"

namespace swiftlet {
namespace {

// The activation that makes this operand, when nobody else sees its result.
const Node* sole_activation(const Graph& graph, ValueId operand) {
  const ValueInfo& info = graph.value(operand);
  if (info.producer == kNoId || graph.node(info.producer).op != &ops::kActivation) return nullptr;
  if (graph.is_output(operand) || graph.users(operand).size() != 1) return nullptr;
  return &graph.node(info.producer);
}

bool fuse(Graph& graph, NodeId id) {
  const Node product = graph.node(id);
  if (product.op != &ops::kMul || product.inputs[0] == product.inputs[1]) return false;
  for (const std::size_t side : {0, 1}) {
    const ValueId other = product.inputs[1 - side];
    const Node* activation = sole_activation(graph, product.inputs[side]);
    if (activation == nullptr || graph.value(other).type != graph.value(activation->inputs[0]).type) continue;
    const std::string& function = activation->attributes.get<std::string>("function");
    if (function.empty()) continue;
    const NodeId old = graph.value(activation->outputs[0]).producer;
    const Value fused =
        graph.insert(id, ops::kGate, {activation->inputs[0], other}, {{"activation", function}})[0];
    graph.node(graph.value(fused.id).producer).name = product.name;
    graph.replace(product.outputs[0], fused.id);
    graph.remove(id);
    graph.remove(old);
    return true;
  }
  return false;
}

}  // namespace

bool FuseGatedActivation::run(Graph& graph) {
  bool changed = false;
  for (NodeId id : std::vector<NodeId>(graph.order())) changed = fuse(graph, id) || changed;
  return changed;
}

}  // namespace swiftlet
