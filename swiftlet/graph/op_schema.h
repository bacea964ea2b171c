// OpSchema: everything the system knows about one kind of node. One constant of this type per op, in ops/.
//
// An empty slot means "not available"; who needs it says so with the op's name.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "swiftlet/graph/graph.h"
#include "swiftlet/graph/lowering.h"

namespace swiftlet {

struct Inferred {
  Type type;
  std::optional<Dims> integers;  // see ValueInfo::integers

  Inferred(Type inferred) : type(std::move(inferred)) {}  // NOLINT: a type alone is the usual answer
  Inferred(Type inferred, Dims known) : type(std::move(inferred)), integers(std::move(known)) {}
};

// A node and its graph, as the functions of a schema see them.
struct NodeView {
  const Graph& graph;
  const Node& node;

  std::size_t inputs() const { return node.inputs.size(); }
  bool has(std::size_t input) const { return input < node.inputs.size() && node.inputs[input] != kNoId; }
  // Throws Error when the input is absent.
  const Type& type(std::size_t input) const;
  const ValueInfo& info(std::size_t input) const;
  template <class T>
  const T& attribute(std::string_view name) const {
    return node.attributes.get<T>(name);
  }
};

// Bytes that a node moves to and from memory and operations that it does in one step.
struct Cost {
  double flops = 0;
  double bytes = 0;
};

// The step that a cost is asked for. Only the extents must be known; what else is known makes it exact.
struct CostContext {
  CostContext(Dim::Lookup extents) : value_of(std::move(extents)) {}  // NOLINT: extents are a step

  Dim::Lookup value_of;
  // Bytes of the weight at an input, as the program reads it; not set: four for each element.
  std::function<double(std::size_t input)> weight_bytes;
  // Which rows see which keys, and the type of the cache; null: one sequence of all rows, no cache.
  const Batch* batch = nullptr;
};

struct OpSchema {
  std::string_view name;
  // Output types from input types; throws with the reason (the caller adds the node's name) when they do not
  // fit.
  std::vector<Inferred> (*infer)(const NodeView& node) = nullptr;
  // Rewrites the node into core ops and returns what its outputs become; only fused ops have it.
  std::vector<Value> (*decompose)(Graph& graph, NodeId node) = nullptr;
  Kernel (*lower_cpu)(LowerContext& context) = nullptr;
  Kernel (*lower_cuda)(LowerContext& context) = nullptr;
  std::vector<Value> (*gradient)(Graph& graph, NodeId node,
                                 const std::vector<Value>& output_gradients) = nullptr;
  Cost (*cost)(const NodeView& node, const CostContext& step) = nullptr;
  bool (*shard)(Graph& graph, NodeId node, int parts) = nullptr;
  bool has_effect = false;  // writes state: never removed, merged or moved
};

// Runs op.infer; its errors come back as "[node name (op)] reason".
std::vector<Inferred> infer_node(const Graph& graph, const Node& node);
// Runs op.lower_cpu, which must be there; what it finds wrong with the node comes back as infer_node's errors
// do.
Kernel lower_node(LowerContext& context);

}  // namespace swiftlet
