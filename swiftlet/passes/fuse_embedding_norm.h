#pragma once

#include "swiftlet/passes/pass.h"

namespace swiftlet {

// Tables looked up, added and normalized row by row, so that no embedding passes through memory on its own.
// Runs before fuse_residual_norm, which would take the last addition.
class FuseEmbeddingNorm final : public Pass {
 public:
  std::string_view name() const override { return "fuse_embedding_norm"; }
  bool run(Graph& graph) override;
};

}  // namespace swiftlet
