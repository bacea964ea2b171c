#include "swiftlet/graph/slice.h"

#include <algorithm>

#include "swiftlet/core/error.h"
#include "swiftlet/graph/op_schema.h"

namespace swiftlet {
namespace {

std::vector<bool> computed_before(const Graph& graph, std::size_t place) {
  std::vector<bool> computed(graph.value_count(), false);
  for (std::size_t i = 0; i < place; ++i)
    for (const ValueId id : graph.node(graph.order()[i]).outputs)
      computed[static_cast<std::size_t>(id)] = true;
  return computed;
}

// Copies values and nodes of one graph into another.
class Copier {
 public:
  Copier(const Graph& from, Graph& to) : from_(from), to_(to), copies_(from.value_count()) {}

  void copy(NodeId id) {
    const Node& node = from_.node(id);
    std::vector<Value> inputs;
    for (const ValueId input : node.inputs) inputs.push_back(input == kNoId ? Value{} : value(input));
    const std::vector<Value> outputs = to_.add(*node.op, std::move(inputs), node.attributes);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const ValueId old = node.outputs[i];
      copies_[static_cast<std::size_t>(old)] = outputs[i];
      if (!from_.value(old).name.empty()) outputs[i].named(from_.value(old).name);
    }
  }
  Value value(ValueId id) {
    Value& copy = copies_[static_cast<std::size_t>(id)];
    if (copy) return copy;
    const ValueInfo& info = from_.value(id);
    switch (info.kind) {
      case ValueKind::kInput:
        return copy = to_.add_input(info.name, info.type);
      case ValueKind::kWeight:
        return copy = to_.add_weight(info.name, info.type);
      case ValueKind::kConstant:
        return copy = to_.add_constant(info.constant);
      case ValueKind::kState:
        return copy = to_.add_state(info.name);
      case ValueKind::kComputed:
        return copy = to_.add_input(crossing_name(from_, id), info.type);
    }
    return {};
  }

 private:
  const Graph& from_;
  Graph& to_;
  std::vector<Value> copies_;
};

}  // namespace

std::vector<ValueId> values_across(const Graph& graph, std::size_t place) {
  const std::vector<bool> computed = computed_before(graph, place);
  std::vector<bool> listed(graph.value_count(), false);
  std::vector<ValueId> across;
  const auto note = [&](ValueId id) {
    if (id == kNoId || !computed[static_cast<std::size_t>(id)] || listed[static_cast<std::size_t>(id)])
      return;
    listed[static_cast<std::size_t>(id)] = true;
    across.push_back(id);
  };
  for (std::size_t i = place; i < graph.order().size(); ++i)
    for (const ValueId id : graph.node(graph.order()[i]).inputs) note(id);
  for (const ValueId id : graph.outputs()) note(id);
  return across;
}

std::string crossing_name(const Graph& graph, ValueId value) {
  const std::string& name = graph.value(value).name;
  return name.empty() ? fmt::format("%{}", value) : name;
}

std::vector<bool> needed_nodes(const Graph& graph, NodeRange range, std::span<const ValueId> outputs) {
  std::vector<bool> wanted(graph.value_count(), false), needed(range.end - range.begin, false);
  for (const ValueId id : outputs) wanted[static_cast<std::size_t>(id)] = true;
  for (std::size_t i = range.end; i-- > range.begin;) {
    const Node& node = graph.node(graph.order()[i]);
    const bool used = std::any_of(node.outputs.begin(), node.outputs.end(),
                                  [&](ValueId id) { return wanted[static_cast<std::size_t>(id)]; });
    if (!used && !node.op->has_effect) continue;
    needed[i - range.begin] = true;
    for (const ValueId id : node.inputs)
      if (id != kNoId) wanted[static_cast<std::size_t>(id)] = true;
  }
  return needed;
}

Graph slice_graph(const Graph& graph, NodeRange range, std::span<const ValueId> outputs) {
  SWIFTLET_ASSERT(range.begin <= range.end && range.end <= graph.order().size());
  Graph slice;
  Copier copier(graph, slice);
  const std::vector<bool> needed = needed_nodes(graph, range, outputs);
  for (std::size_t i = range.begin; i < range.end; ++i)
    if (needed[i - range.begin]) copier.copy(graph.order()[i]);
  for (const ValueId id : outputs) {
    const Value copy = copier.value(id);
    if (slice.value(copy.id).name.empty()) copy.named(crossing_name(graph, id));
    slice.add_output(copy);
  }
  return slice;
}

}  // namespace swiftlet
