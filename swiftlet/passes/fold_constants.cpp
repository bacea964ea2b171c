//   Before: mul(const, const) -> add(x, .)        After: add(x, const)
//           shape_of(x: [4, 8]) -> reshape(y, .)         reshape(y, const [4, 8])
#include "swiftlet/passes/fold_constants.h"

#include <algorithm>

#include "swiftlet/graph/op_schema.h"
#include "swiftlet/passes/evaluate_node.h"

namespace swiftlet {
namespace {

// The tensor of an integer value whose elements inference knows as numbers.
std::optional<Tensor> known_integers(const ValueInfo& info) {
  if (!info.integers || info.type.dtype != DType::kI64) return std::nullopt;
  const Dims& values = *info.integers;
  if (!std::all_of(values.begin(), values.end(), [](const Dim& dim) { return dim.is_constant(); }))
    return std::nullopt;
  Tensor tensor = Tensor::zeros(DType::kI64, Shape{static_cast<std::int64_t>(values.size())});
  for (std::size_t i = 0; i < values.size(); ++i)
    tensor.mutable_data<std::int64_t>()[i] = values[i].constant();
  return tensor;
}

std::optional<std::vector<Tensor>> fold(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (node.op->has_effect) return std::nullopt;
  if (node.outputs.size() == 1)
    if (auto tensor = known_integers(graph.value(node.outputs[0])))
      return std::vector<Tensor>{std::move(*tensor)};
  return evaluate_node(graph, id);
}

}  // namespace

bool FoldConstants::run(Graph& graph) {
  bool changed = false;
  for (NodeId id : std::vector<NodeId>(graph.order())) {
    auto folded = fold(graph, id);
    if (!folded) continue;
    for (std::size_t i = 0; i < folded->size(); ++i)
      graph.replace(graph.node(id).outputs[i], graph.add_constant(std::move((*folded)[i])).id);
    graph.remove(id);
    changed = true;
  }
  return changed;
}

}  // namespace swiftlet
