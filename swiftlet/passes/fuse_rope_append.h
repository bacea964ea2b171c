#pragma once

#include "swiftlet/passes/pass.h"

namespace swiftlet {

// Keys are turned on their way into the cache, row by row, and are never stored in between. Runs behind
// lower_to_paged_cache.
class FuseRopeAppend final : public Pass {
 public:
  std::string_view name() const override { return "fuse_rope_append"; }
  bool run(Graph& graph) override;
};

}  // namespace swiftlet
