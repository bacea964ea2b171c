#pragma once

#include "swiftlet/passes/pass.h"

namespace swiftlet {

// Removes nodes whose outputs nobody reads and that write no state.
class RemoveDeadNodes final : public Pass {
 public:
  std::string_view name() const override { return "remove_dead_nodes"; }
  bool run(Graph& graph) override;
};

}  // namespace swiftlet
