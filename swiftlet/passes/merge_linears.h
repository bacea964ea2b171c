#pragma once

#include <functional>
#include <string>

#include "swiftlet/passes/pass.h"

namespace swiftlet {

// Linears that read the same value become one node over a list of weights (never a joined copy), so that
// one parallel region serves them all, and those whose groups agree share one quantization of their input.
class MergeLinears final : public Pass {
 public:
  // Only weights of one kind are merged (the compiler: of one arithmetic); by default all are of one kind.
  using Kind = std::function<std::string(const std::string& weight)>;
  explicit MergeLinears(Kind kind = {}) : kind_(std::move(kind)) {}

  std::string_view name() const override { return "merge_linears"; }
  bool run(Graph& graph) override;

 private:
  Kind kind_;
};

}  // namespace swiftlet
