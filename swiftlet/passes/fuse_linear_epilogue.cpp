//   Before: linear(x, W) -> add(., b) -> activation{gelu}        After: linear(x, W, b){activation=gelu}
#include "swiftlet/passes/fuse_linear_epilogue.h"

#include "swiftlet/ops/elementwise.h"
#include "swiftlet/ops/linear.h"

namespace swiftlet {
namespace {

// The linear that makes input 0 of `user`, when nobody else sees its plain result.
const Node* sole_linear(const Graph& graph, const Node& user) {
  const ValueInfo& input = graph.value(user.inputs[0]);
  if (input.producer == kNoId || graph.node(input.producer).op != &ops::kLinear) return nullptr;
  if (graph.is_output(user.inputs[0]) || graph.users(user.inputs[0]).size() != 1) return nullptr;
  const Node& linear = graph.node(input.producer);
  return linear.attributes.get_or<std::string>("activation", "").empty() ? &linear : nullptr;
}

void absorb(Graph& graph, NodeId user, const Node& linear, std::vector<ValueId> inputs,
            Attributes attributes) {
  const NodeId old = graph.value(linear.outputs[0]).producer;
  const std::string name = linear.name;
  const Value fused = graph.insert(user, ops::kLinear, std::move(inputs), std::move(attributes))[0];
  graph.node(graph.value(fused.id).producer).name = name;
  graph.replace(graph.node(user).outputs[0], fused.id);
  graph.remove(user);
  graph.remove(old);
}

bool absorb_bias(Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (node.op != &ops::kAdd) return false;
  const ValueInfo& bias = graph.value(node.inputs[1]);
  if (bias.type.shape.size() != 1 || bias.kind == ValueKind::kComputed) return false;
  const Node* linear = sole_linear(graph, node);
  if (linear == nullptr || linear->inputs[2] != kNoId) return false;
  absorb(graph, id, *linear, {linear->inputs[0], linear->inputs[1], node.inputs[1]}, linear->attributes);
  return true;
}

bool absorb_activation(Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (node.op != &ops::kActivation) return false;
  const Node* linear = sole_linear(graph, node);
  if (linear == nullptr) return false;
  Attributes attributes = linear->attributes;
  attributes.set("activation", node.attributes.get<std::string>("function"));
  absorb(graph, id, *linear, linear->inputs, std::move(attributes));
  return true;
}

}  // namespace

bool FuseLinearEpilogue::run(Graph& graph) {
  bool changed = false;
  for (NodeId id : std::vector<NodeId>(graph.order()))
    if (absorb_bias(graph, id) || absorb_activation(graph, id)) changed = true;
  return changed;
}

}  // namespace swiftlet
