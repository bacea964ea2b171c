#include "swiftlet/runtime/program.h"

#include <algorithm>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

std::size_t find_port(const std::vector<Program::Port>& ports, std::string_view name, std::string_view what) {
  const auto found =
      std::find_if(ports.begin(), ports.end(), [&](const auto& port) { return port.name == name; });
  if (found == ports.end()) fail(ErrorCode::kNotFound, "program", "there is no {} named '{}'", what, name);
  return static_cast<std::size_t>(found - ports.begin());
}

}  // namespace

std::size_t Program::input(std::string_view name) const {
  return find_port(inputs, name, "input");
}
std::size_t Program::output(std::string_view name) const {
  return find_port(outputs, name, "output");
}

std::size_t Program::symbol(std::string_view name) const {
  const auto found = std::find(symbols.begin(), symbols.end(), name);
  if (found == symbols.end()) fail(ErrorCode::kNotFound, "program", "there is no symbol named '{}'", name);
  return static_cast<std::size_t>(found - symbols.begin());
}

}  // namespace swiftlet
