//   Before: add(x, y) -> s -> rms_norm(s) -> n        After: add_rms_norm(x, y) -> s, n
#include "swiftlet/passes/fuse_residual_norm.h"

#include "swiftlet/ops/elementwise.h"
#include "swiftlet/ops/norm.h"

namespace swiftlet {
namespace {

const OpSchema* fused_form(const OpSchema* norm) {
  if (norm == &ops::kRmsNorm) return &ops::kAddRmsNorm;
  if (norm == &ops::kLayerNorm) return &ops::kAddLayerNorm;
  return nullptr;
}

bool fuse(Graph& graph, NodeId norm_id) {
  const Node norm = graph.node(norm_id);
  const OpSchema* fused = fused_form(norm.op);
  if (fused == nullptr || norm.attributes.has("heads")) return false;
  const NodeId add_id = graph.value(norm.inputs[0]).producer;
  if (add_id == kNoId || graph.node(add_id).op != &ops::kAdd) return false;
  const Node add = graph.node(add_id);
  if (graph.value(add.inputs[0]).type != graph.value(add.inputs[1]).type) return false;
  std::vector<ValueId> inputs{add.inputs[0], add.inputs[1]};
  for (std::size_t i = 1; i < norm.inputs.size(); ++i) {
    if (norm.inputs[i] != kNoId && graph.value(norm.inputs[i]).kind == ValueKind::kComputed) return false;
    inputs.push_back(norm.inputs[i]);
  }
  // At the place of the addition, so that every reader of the sum still stands behind it.
  const auto outputs = graph.insert(add_id, *fused, std::move(inputs), norm.attributes);
  graph.node(graph.value(outputs[0].id).producer).name = norm.name;
  graph.replace(add.outputs[0], outputs[0].id);
  graph.replace(norm.outputs[0], outputs[1].id);
  graph.remove(add_id);
  graph.remove(norm_id);
  return true;
}

}  // namespace

bool FuseResidualNorm::run(Graph& graph) {
  bool changed = false;
  for (NodeId id : std::vector<NodeId>(graph.order()))
    if (!graph.node(id).removed && fuse(graph, id)) changed = true;
  return changed;
}

}  // namespace swiftlet
