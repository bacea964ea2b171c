#pragma once

#include "swiftlet/passes/pass.h"

namespace swiftlet {

// A bias added to a linear's output, and an activation of it, move into the linear: done while the tile is in
// registers.
class FuseLinearEpilogue final : public Pass {
 public:
  std::string_view name() const override { return "fuse_linear_epilogue"; }
  bool run(Graph& graph) override;
};

}  // namespace swiftlet
