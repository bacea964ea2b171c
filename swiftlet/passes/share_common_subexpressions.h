#pragma once

#include "swiftlet/passes/pass.h"

namespace swiftlet {

// Two nodes with the same op, inputs and attributes become one.
class ShareCommonSubexpressions final : public Pass {
 public:
  std::string_view name() const override { return "share_common_subexpressions"; }
  bool run(Graph& graph) override;
};

}  // namespace swiftlet
