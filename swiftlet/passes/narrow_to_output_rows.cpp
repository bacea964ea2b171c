//   Before: attention -> a                          After: select_rows(attention, rows) -> a
//           add(x, linear(a)) -> h                         add(select_rows(x, rows), linear(a)) -> h
//           select_rows(rms_norm(h), rows) -> y            rms_norm(h) -> y
#include "swiftlet/passes/narrow_to_output_rows.h"

#include <algorithm>
#include <map>
#include <set>

#include "swiftlet/ops/columns.h"
#include "swiftlet/ops/elementwise.h"
#include "swiftlet/ops/experts.h"
#include "swiftlet/ops/linear.h"
#include "swiftlet/ops/norm.h"
#include "swiftlet/ops/pool.h"
#include "swiftlet/ops/row_function.h"

namespace swiftlet {
namespace {

bool works_by_rows(const OpSchema* op) {
  for (const OpSchema* known :
       {&ops::kLinear, &ops::kAdd, &ops::kMul, &ops::kScale, &ops::kClip, &ops::kActivation, &ops::kColumns,
        &ops::kLayerNorm, &ops::kRmsNorm, &ops::kSoftmax, &ops::kL2Normalize, &ops::kRoute, &ops::kExperts})
    if (op == known) return true;
  return false;
}

// Whether a value has the rows that are selected from; all else (weights, vectors) serves every row.
bool has_rows(const Graph& graph, ValueId id, const Dim& rows) {
  if (id == kNoId) return false;
  const ValueInfo& info = graph.value(id);
  return info.kind != ValueKind::kWeight && info.type.shape.size() == 2 && info.type.shape[0] == rows;
}

// Nodes of which nothing but the selected rows is ever seen.
std::set<NodeId> narrowable(const Graph& graph, NodeId select) {
  const Dim rows = graph.value(graph.node(select).inputs[0]).type.shape[0];
  std::set<NodeId> found;
  const auto sees_selection_only = [&](NodeId reader, ValueId read) {
    return found.contains(reader) || (reader == select && graph.node(select).inputs[0] == read);
  };
  for (auto id = graph.order().rbegin(); id != graph.order().rend(); ++id) {
    const Node& node = graph.node(*id);
    if (!works_by_rows(node.op) || !has_rows(graph, node.outputs[0], rows) ||
        graph.is_output(node.outputs[0]))
      continue;
    const std::vector<NodeId> readers = graph.users(node.outputs[0]);
    if (!readers.empty() && std::all_of(readers.begin(), readers.end(), [&](NodeId reader) {
          return sees_selection_only(reader, node.outputs[0]);
        }))
      found.insert(*id);
  }
  return found;
}

bool narrow(Graph& graph, NodeId select_id) {
  const Node select = graph.node(select_id);
  const std::set<NodeId> nodes = narrowable(graph, select_id);
  if (nodes.empty()) return false;
  const Dim rows = graph.value(select.inputs[0]).type.shape[0];
  std::map<ValueId, ValueId> narrowed;
  const auto narrow_value = [&](ValueId id) {
    if (!has_rows(graph, id, rows)) return id;
    if (const auto known = narrowed.find(id); known != narrowed.end()) return known->second;
    return narrowed[id] = graph.insert(select_id, ops::kSelectRows, {id, select.inputs[1]})[0].id;
  };
  for (NodeId id : std::vector<NodeId>(graph.order())) {
    if (!nodes.contains(id)) continue;
    const Node node = graph.node(id);
    std::vector<ValueId> inputs;
    for (ValueId input : node.inputs) inputs.push_back(narrow_value(input));
    const Value output = graph.insert(select_id, *node.op, std::move(inputs), node.attributes)[0];
    graph.node(graph.value(output.id).producer).name = node.name;
    narrowed[node.outputs[0]] = output.id;
  }
  graph.replace(select.outputs[0], narrowed.at(select.inputs[0]));
  graph.remove(select_id);
  for (auto id = nodes.rbegin(); id != nodes.rend(); ++id) graph.remove(*id);
  return true;
}

}  // namespace

bool NarrowToOutputRows::run(Graph& graph) {
  bool changed = false;
  for (NodeId id : std::vector<NodeId>(graph.order()))
    if (graph.node(id).op == &ops::kSelectRows) changed = narrow(graph, id) || changed;
  return changed;
}

}  // namespace swiftlet
