#pragma once

#include "swiftlet/passes/pass.h"

namespace swiftlet {

// The activation of a gate and the product with what it gates in one pass over both. Runs before
// fuse_linear_epilogue, which would draw the activation into the gate's linear: so the linears of gate and up
// are alike and merge into one.
class FuseGatedActivation final : public Pass {
 public:
  std::string_view name() const override { return "fuse_gated_activation"; }
  bool run(Graph& graph) override;
};

}  // namespace swiftlet
