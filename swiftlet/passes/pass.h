// Pass: one rewrite of a graph. Each stands in a file of its own that opens with a Before/After picture.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "swiftlet/graph/graph.h"

namespace swiftlet {

class Pass {
 public:
  virtual ~Pass() = default;
  virtual std::string_view name() const = 0;
  // True when it changed something. The graph stays valid and computes the same values.
  virtual bool run(Graph& graph) = 0;
};

// Runs the passes in order. With `check`, verifies the graph after each and names the pass that broke it.
void run_passes(Graph& graph, std::span<const std::unique_ptr<Pass>> passes, bool check);

}  // namespace swiftlet
