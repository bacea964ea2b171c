#pragma once

#include "swiftlet/passes/pass.h"

namespace swiftlet {

// Computes at compile time what depends on constants alone, integer shapes that inference knows included.
class FoldConstants final : public Pass {
 public:
  std::string_view name() const override { return "fold_constants"; }
  bool run(Graph& graph) override;
};

}  // namespace swiftlet
