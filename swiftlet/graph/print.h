// A graph as text, one node a line, and as Graphviz.
#pragma once

#include <string>

#include "swiftlet/graph/graph.h"

namespace swiftlet {

//   %12 model.layers.0.mlp = linear(%11, @model.layers.0.mlp.down_proj.weight) : f32[tokens, 256]
std::string to_text(const Graph& graph);
// For `dot -Tsvg`.
std::string to_graphviz(const Graph& graph);

}  // namespace swiftlet
