// Chat templates for models that come without one, by name.
#pragma once

#include <span>
#include <string_view>

namespace swiftlet::text {

struct NamedTemplate {
  std::string_view name, source;
};

// In the order in which they should be listed.
std::span<const NamedTemplate> named_templates();

}  // namespace swiftlet::text
