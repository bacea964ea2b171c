// A graph as text, one node a line, and as Graphviz.
#pragma once

#include <string>

#include "swiftlet/graph/graph.h"

namespace swiftlet {

//   %12 = linear(%11, @mlp.down_proj.weight, -) {activation=silu} : f32[tokens, 256]  # mlp.down_proj
//   return %12
//
// %: computed, @: a weight, $: an input or a state, -: absent.
std::string to_text(const Graph& graph);
// For `dot -Tsvg`.
std::string to_graphviz(const Graph& graph);

}  // namespace swiftlet
