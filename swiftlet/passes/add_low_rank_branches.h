#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "swiftlet/passes/pass.h"

namespace swiftlet {

// A low-rank branch beside linears (LoRA; Hu et al. 2021): what an adapter adds to a model without touching
// its weights. The two small matrices are weights in slots of their own, so an adapter is swapped by
// replacing them, and taken away by zeros, without compiling again. Runs on core graphs.
class AddLowRankBranches final : public Pass {
 public:
  // The rank of the branch beside the linear over this weight; nullopt: none.
  using Rank = std::function<std::optional<std::int64_t>(const std::string& weight)>;
  explicit AddLowRankBranches(Rank rank) : rank_(std::move(rank)) {}

  std::string_view name() const override { return "add_low_rank_branches"; }
  bool run(Graph& graph) override;

  // Slots of the branch beside `weight` ("x.q_proj.weight"): "x.q_proj.lora_A.weight" [rank, K] and
  // "x.q_proj.lora_B.weight" [N, rank], as peft names them. The factor alpha / rank belongs into B.
  static std::string down_name(const std::string& weight);
  static std::string up_name(const std::string& weight);

 private:
  Rank rank_;
};

}  // namespace swiftlet
