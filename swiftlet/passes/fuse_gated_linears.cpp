//   Before: x -> linear_merged(Wg, Wu) -> g, u      After: x -> gated_linear(Wg, Wu){silu} -> y
//           gate(g, u){silu} -> y
#include "swiftlet/passes/fuse_gated_linears.h"

#include "swiftlet/ops/gate.h"
#include "swiftlet/ops/gated_linear.h"
#include "swiftlet/ops/linear.h"

namespace swiftlet {
namespace {

// The place of a value among the outputs of a merged pair without activations; none when others read it too.
struct PairOutput {
  NodeId pair = kNoId;
  std::size_t index = 0;
};
PairOutput pair_output(const Graph& graph, ValueId value) {
  const NodeId producer = graph.value(value).producer;
  if (producer == kNoId || graph.is_output(value) || graph.users(value).size() != 1) return {};
  const Node& node = graph.node(producer);
  if (node.op != &ops::kLinearMerged || node.outputs.size() != 2 ||
      node.attributes.get<std::string>("activations") != ",")
    return {};
  return {producer, node.outputs[0] == value ? std::size_t{0} : std::size_t{1}};
}

}  // namespace

bool FuseGatedLinears::run(Graph& graph) {
  bool changed = false;
  for (NodeId id : std::vector<NodeId>(graph.order())) {
    const Node gate = graph.node(id);
    if (gate.removed || gate.op != &ops::kGate) continue;
    const PairOutput g = pair_output(graph, gate.inputs[0]), u = pair_output(graph, gate.inputs[1]);
    if (g.pair == kNoId || g.pair != u.pair || g.index == u.index) continue;
    const Node pair = graph.node(g.pair);
    const auto weight = [&](std::size_t index) { return pair.inputs[1 + 2 * index]; };
    const auto bias = [&](std::size_t index) { return pair.inputs[2 + 2 * index]; };
    const auto kind = [&](std::size_t index) {
      return kind_ ? kind_(graph.value(weight(index)).name) : std::string();
    };
    if (graph.value(weight(0)).type.shape != graph.value(weight(1)).type.shape || kind(0) != kind(1))
      continue;
    const Value fused =
        graph.insert(id, ops::kGatedLinear,
                     {pair.inputs[0], weight(g.index), bias(g.index), weight(u.index), bias(u.index)},
                     {{"activation", gate.attributes.get<std::string>("activation")}})[0];
    graph.node(graph.value(fused.id).producer).name = pair.name;
    graph.replace(gate.outputs[0], fused.id);
    graph.remove(id);
    graph.remove(g.pair);
    changed = true;
  }
  return changed;
}

}  // namespace swiftlet
