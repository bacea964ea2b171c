// Graph: a model as values and the nodes that compute them, in topological order.
//
// A graph owns its nodes and values; ids stay valid until the graph dies (removed ones are only marked).
// Types are inferred as nodes are added. One thread at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/core/tensor.h"
#include "swiftlet/graph/attributes.h"
#include "swiftlet/graph/dim.h"

namespace swiftlet {

struct OpSchema;
class Graph;

struct Type {
  DType dtype = DType::kF32;
  Dims shape;
  bool operator==(const Type&) const = default;
  std::string to_string() const;  // "f32[tokens, 384]"
};

using ValueId = std::int32_t;
using NodeId = std::int32_t;
constexpr std::int32_t kNoId = -1;

enum class ValueKind : std::uint8_t {
  kInput,     // bound for every step
  kWeight,    // a slot, bound by canonical name
  kConstant,  // a tensor inside the graph
  kState,     // what a sequence keeps between steps (a layer of the KV cache)
  kComputed,  // an output of a node
};

struct ValueInfo {
  std::string name;  // unique when not empty
  ValueKind kind = ValueKind::kComputed;
  Type type;
  NodeId producer = kNoId;
  Tensor constant;               // kConstant
  std::optional<Dims> integers;  // the elements of a small integer tensor, where inference knows them
};

struct Node {
  const OpSchema* op = nullptr;
  std::string name;             // for messages: that of the first output, or "op.12"
  std::vector<ValueId> inputs;  // kNoId: an optional input that is absent
  std::vector<ValueId> outputs;
  Attributes attributes;
  bool removed = false;
};

// A value together with its graph, so that builders read like mathematics.
struct Value {
  Graph* graph = nullptr;
  ValueId id = kNoId;

  explicit operator bool() const { return id != kNoId; }
  const Type& type() const;
  Value named(std::string name) const;  // names the value (its node too); returns *this
};

class Graph {
 public:
  Value add_input(std::string name, Type type);
  // The same slot again when `name` was added before.
  Value add_weight(std::string name, Type type);
  Value add_constant(Tensor tensor);
  Value add_state(std::string name);

  // Adds a node behind all others and infers its outputs. Throws Error naming the node when the inputs do not
  // fit; the graph is then as it was.
  std::vector<Value> add(const OpSchema& op, std::vector<Value> inputs, Attributes attributes = {});
  // The same, placed before the node `before` (for passes).
  std::vector<Value> insert(NodeId before, const OpSchema& op, std::vector<ValueId> inputs,
                            Attributes attributes = {});

  const ValueInfo& value(ValueId id) const { return values_[static_cast<std::size_t>(id)]; }
  ValueInfo& value(ValueId id) { return values_[static_cast<std::size_t>(id)]; }
  const Node& node(NodeId id) const { return nodes_[static_cast<std::size_t>(id)]; }
  Node& node(NodeId id) { return nodes_[static_cast<std::size_t>(id)]; }
  std::size_t value_count() const { return values_.size(); }
  // Ids of the nodes that are left, in topological order.
  const std::vector<NodeId>& order() const { return order_; }

  void add_output(Value value);
  const std::vector<ValueId>& outputs() const { return outputs_; }
  bool is_output(ValueId id) const;
  std::optional<ValueId> find(std::string_view name) const;

  // For passes. Users in topological order; a node that reads the value twice is listed once.
  std::vector<NodeId> users(ValueId id) const;
  // Every reader of `from`, and the graph's outputs, read `to` instead; a `to` without a name gets that of
  // `from`.
  void replace(ValueId from, ValueId to);
  // Takes the node out of the order; its outputs lose their names, so that others may have them.
  void remove(NodeId id);

 private:
  friend struct Value;
  ValueId new_value(ValueInfo info);

  // Deques, so that a reference to one stays good while others are added.
  std::deque<ValueInfo> values_;
  std::deque<Node> nodes_;
  // Mixtures of experts have many thousands of weights, and these keep their names.
  std::map<std::string, ValueId, std::less<>> weights_;
  std::vector<ValueId> others_;  // values that are no weights
  std::vector<NodeId> order_;
  std::vector<ValueId> outputs_;
};

}  // namespace swiftlet
