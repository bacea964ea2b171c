//   Before: linear(x, W) -> y        After: linear(x, W) -> b
//                                           linear(linear(x, A), B) -> d
//                                           add(b, d) -> y
#include "swiftlet/passes/add_low_rank_branches.h"

#include <algorithm>

#include "swiftlet/core/error.h"
#include "swiftlet/ops/elementwise.h"
#include "swiftlet/ops/linear.h"

namespace swiftlet {
namespace {

std::string beside(const std::string& weight, std::string_view branch) {
  constexpr std::string_view kEnd = ".weight";
  std::string stem = weight;
  if (stem.ends_with(kEnd)) stem.resize(stem.size() - kEnd.size());
  return stem + "." + std::string(branch) + ".weight";
}

bool is_branch(const std::string& weight) {
  return weight.ends_with(".lora_A.weight") || weight.ends_with(".lora_B.weight");
}

void add_branch(Graph& graph, NodeId id, std::int64_t rank) {
  const Node linear = graph.node(id);
  const std::string weight = graph.value(linear.inputs[1]).name;
  const Dims shape = graph.value(linear.inputs[1]).type.shape;
  require(rank > 0, weight, "the rank of a branch must be positive, is {}", rank);
  const Value down = graph.add_weight(AddLowRankBranches::down_name(weight), {DType::kF32, {rank, shape[1]}});
  const Value up = graph.add_weight(AddLowRankBranches::up_name(weight), {DType::kF32, {shape[0], rank}});
  const std::vector<NodeId> readers = graph.users(linear.outputs[0]);
  const bool is_output = graph.is_output(linear.outputs[0]);
  if (readers.empty() && !is_output) return;
  // Behind the linear: before the node that follows it in the order, or at the end.
  const auto& order = graph.order();
  const auto place = std::find(order.begin(), order.end(), id) + 1;
  const NodeId next = place == order.end() ? kNoId : *place;
  const Value base = graph.insert(next, ops::kLinear, linear.inputs, linear.attributes)[0];
  const Value small = graph.insert(next, ops::kLinear, {linear.inputs[0], down.id, kNoId})[0];
  const Value large = graph.insert(next, ops::kLinear, {small.id, up.id, kNoId})[0];
  const Value sum = graph.insert(next, ops::kAdd, {base.id, large.id})[0];
  const auto name = [&](const Value& value, const std::string& text) {
    graph.node(graph.value(value.id).producer).name = text;
  };
  name(base, linear.name);
  name(small, linear.name + ".lora_A");
  name(large, linear.name + ".lora_B");
  graph.replace(linear.outputs[0], sum.id);
  graph.remove(id);
}

}  // namespace

std::string AddLowRankBranches::down_name(const std::string& weight) {
  return beside(weight, "lora_A");
}
std::string AddLowRankBranches::up_name(const std::string& weight) {
  return beside(weight, "lora_B");
}

bool AddLowRankBranches::run(Graph& graph) {
  bool changed = false;
  for (NodeId id : std::vector<NodeId>(graph.order())) {
    const Node& node = graph.node(id);
    if (node.op != &ops::kLinear || graph.value(node.inputs[1]).kind != ValueKind::kWeight) continue;
    const std::string& weight = graph.value(node.inputs[1]).name;
    if (is_branch(weight)) continue;
    // A branch adds to the product, so an activation must stand behind it; and once is enough.
    if (!node.attributes.get_or<std::string>("activation", "").empty() || graph.find(down_name(weight)))
      continue;
    const std::optional<std::int64_t> rank = rank_(weight);
    if (!rank) continue;
    add_branch(graph, id, *rank);
    changed = true;
  }
  return changed;
}

}  // namespace swiftlet
