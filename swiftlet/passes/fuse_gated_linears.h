#pragma once

#include "swiftlet/passes/merge_linears.h"

namespace swiftlet {

// A gate over two linears of one input becomes one product, whose gate and up values never reach memory.
// Relies on FuseGatedActivation and MergeLinears before it.
class FuseGatedLinears final : public Pass {
 public:
  // Only weights of one kind are joined (the compiler: of one encoding); by default all are of one kind.
  explicit FuseGatedLinears(MergeLinears::Kind kind = {}) : kind_(std::move(kind)) {}

  std::string_view name() const override { return "fuse_gated_linears"; }
  bool run(Graph& graph) override;

 private:
  MergeLinears::Kind kind_;
};

}  // namespace swiftlet
