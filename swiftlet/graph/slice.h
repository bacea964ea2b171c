// Slices: consecutive nodes of a graph as a graph of their own, so that a model can be run piece by piece.
//
//   of   a = f(x); b = g(a); c = h(a, b); return c
//   the nodes 1 to 2 read a, which crosses into them, and leave b behind:   (a) -> b = g(a)
#pragma once

#include <span>
#include <string>
#include <vector>

#include "swiftlet/graph/graph.h"

namespace swiftlet {

// Places in Graph::order().
struct NodeRange {
  std::size_t begin = 0, end = 0;
};

// The computed values that nodes before `place` give and others from there on, or the outputs of the graph,
// read: what must be kept between two slices.
std::vector<ValueId> values_across(const Graph& graph, std::size_t place);

// Under which name a value crosses into a slice and out of it: its own, or "%12" where it has none.
std::string crossing_name(const Graph& graph, ValueId value);

// Whether each node of the range, by its place in it, is needed for `outputs` or has an effect.
std::vector<bool> needed_nodes(const Graph& graph, NodeRange range, std::span<const ValueId> outputs);

// The nodes of the range that `outputs`, values that they or earlier ones compute, need. Values of earlier
// nodes become inputs; inputs, weights and constants stay what they are.
Graph slice_graph(const Graph& graph, NodeRange range, std::span<const ValueId> outputs);

}  // namespace swiftlet
