#pragma once

#include "swiftlet/passes/pass.h"

namespace swiftlet {

// Causal attention over the tokens of a step becomes attention over each sequence's whole context in a paged
// cache. The state is an explicit value, one for each layer, so no other pass meets a hidden side effect.
class LowerToPagedCache final : public Pass {
 public:
  std::string_view name() const override { return "lower_to_paged_cache"; }
  bool run(Graph& graph) override;
};

}  // namespace swiftlet
