#include "swiftlet/graph/attributes.h"

#include <fmt/ranges.h>

#include "swiftlet/core/error.h"

namespace swiftlet {

const Attribute& Attributes::find(std::string_view name) const {
  const auto found = map_.find(std::string(name));
  require(found != map_.end(), "graph", "attribute '{}' is missing", name);
  return found->second;
}

std::string Attributes::to_string() const {
  std::string text;
  for (const auto& [name, value] : map_) {
    if (!text.empty()) text += ", ";
    text += name + "=" + std::visit([](const auto& v) { return fmt::format("{}", v); }, value);
  }
  return text;
}

}  // namespace swiftlet
