#pragma once

#include "swiftlet/passes/pass.h"

namespace swiftlet {

// The residual addition and the norm behind it in one pass over the row; the sum stays available as an
// output.
class FuseResidualNorm final : public Pass {
 public:
  std::string_view name() const override { return "fuse_residual_norm"; }
  bool run(Graph& graph) override;
};

}  // namespace swiftlet
