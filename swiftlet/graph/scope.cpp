#include "swiftlet/graph/scope.h"

#include "swiftlet/core/error.h"

namespace swiftlet {

std::string Scope::full(std::string_view name) const {
  return prefix_.empty() ? std::string(name) : fmt::format("{}.{}", prefix_, name);
}

Scope Scope::operator[](std::string_view name) const {
  return Scope(*graph_, *shapes_, full(name));
}

bool Scope::has(std::string_view name) const {
  return (*shapes_)(full(name)).has_value();
}

Value Scope::name(Value result) const {
  return graph_->find(prefix_) ? result : result.named(prefix_);
}

Value Scope::weight(std::string_view name, const Shape& expected) const {
  const std::string path = full(name);
  const auto shape = (*shapes_)(path);
  require(shape.has_value(), path, "the checkpoint has no weight of this name, expected {}",
          expected.to_string());
  require(*shape == expected, path, "has shape {}, the config asks for {}", shape->to_string(),
          expected.to_string());
  Type type{DType::kF32, {}};
  for (std::int64_t extent : shape->dims()) type.shape.emplace_back(extent);
  return graph_->add_weight(path, std::move(type));
}

Value Scope::weight(std::string_view name, std::size_t rank) const {
  const std::string path = full(name);
  const auto shape = (*shapes_)(path);
  require(shape.has_value(), path, "the checkpoint has no weight of this name");
  require(shape->rank() == rank, path, "has shape {}, expected {} dimensions", shape->to_string(), rank);
  return weight(name, *shape);
}

}  // namespace swiftlet
