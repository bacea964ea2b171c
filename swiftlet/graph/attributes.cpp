#include "swiftlet/graph/attributes.h"

#include <fmt/ranges.h>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

std::string text_of(const Attribute& value) {
  return std::visit([](const auto& v) { return fmt::format("{}", v); }, value);
}

}  // namespace

const Attribute& Attributes::find(std::string_view name) const {
  const auto found = map_.find(std::string(name));
  require(found != map_.end(), "graph", "attribute '{}' is missing", name);
  return found->second;
}

void Attributes::fail_type(std::string_view name) const {
  fail(ErrorCode::kInvalid, "graph", "attribute '{}' is of another type than it is read as, its value is {}",
       name, text_of(find(name)));
}

std::string Attributes::to_string() const {
  std::string text;
  for (const auto& [name, value] : map_)
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", name, text_of(value));
  return text;
}

}  // namespace swiftlet
