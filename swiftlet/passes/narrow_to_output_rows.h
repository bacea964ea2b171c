#pragma once

#include "swiftlet/passes/pass.h"

namespace swiftlet {

// Where only some rows are wanted in the end, whatever works row by row before that works on these rows
// alone: of a prompt's last layer only the last token goes through feed-forward and head. Attention, which
// looks at all rows, stays as it is.
class NarrowToOutputRows final : public Pass {
 public:
  std::string_view name() const override { return "narrow_to_output_rows"; }
  bool run(Graph& graph) override;
};

}  // namespace swiftlet
