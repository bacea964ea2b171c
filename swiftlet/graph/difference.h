// Where two graphs say different things.
#pragma once

#include <optional>
#include <string>

#include "swiftlet/graph/graph.h"

namespace swiftlet {

struct GraphDifference {
  std::string first, second;  // lines of print.h; empty where one graph is at its end
};

// The first lines that differ, numbers by more than `tolerance` of the larger.
std::optional<GraphDifference> first_difference(const Graph& first, const Graph& second, double tolerance);

}  // namespace swiftlet
