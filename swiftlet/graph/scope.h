// Scope: the weights of a model under a prefix, so that families read like the paper: w["self_attn.q_proj"].
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "swiftlet/graph/graph.h"

namespace swiftlet {

class Scope {
 public:
  // The shape of a weight by canonical name, nullopt when the checkpoint has none of that name.
  using Shapes = std::function<std::optional<Shape>(const std::string& name)>;

  Scope(Graph& graph, const Shapes& shapes, std::string prefix = "")
      : graph_(&graph), shapes_(&shapes), prefix_(std::move(prefix)) {}
  Scope(Graph& graph, Shapes&& shapes, std::string prefix = "") = delete;  // it would not outlive this

  Scope operator[](std::string_view name) const;  // the scope prefix.name
  Scope operator[](int index) const { return (*this)[std::to_string(index)]; }

  Graph& graph() const { return *graph_; }
  const std::string& prefix() const { return prefix_; }
  bool has(std::string_view name) const;
  // Names a result after the scope, unless another has that name: layers may share their weights.
  Value name(Value result) const;
  // The slot prefix.name; throws Error when the checkpoint lacks it or its shape differs from `expected`.
  Value weight(std::string_view name, const Shape& expected) const;
  // The same with the shape that the checkpoint has; rank must match.
  Value weight(std::string_view name, std::size_t rank) const;

 private:
  std::string full(std::string_view name) const;
  Graph* graph_;
  const Shapes* shapes_;
  std::string prefix_;
};

}  // namespace swiftlet
