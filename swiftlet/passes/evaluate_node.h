// Runs one node whose inputs are all constants, with the scalar kernels: what constant folding needs.
#pragma once

#include <optional>
#include <vector>

#include "swiftlet/graph/graph.h"

namespace swiftlet {

// The outputs, or nullopt when the node is not one that can be evaluated so (symbolic shapes, weights,
// state).
std::optional<std::vector<Tensor>> evaluate_node(const Graph& graph, NodeId id);

}  // namespace swiftlet
