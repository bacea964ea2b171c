// Attributes: the constants of a node (epsilon, activation, ...), small, typed, ordered by name so that equal
// nodes print and compare equal.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace swiftlet {

using Attribute =
    std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>>;

class Attributes {
 public:
  Attributes() = default;
  Attributes(std::initializer_list<std::pair<const std::string, Attribute>> list) : map_(list) {}

  void set(std::string name, Attribute value) { map_[std::move(name)] = std::move(value); }
  bool has(std::string_view name) const { return map_.contains(std::string(name)); }
  // Throws Error when it is absent or of another type.
  template <class T>
  const T& get(std::string_view name) const {
    if (const T* value = std::get_if<T>(&find(name))) return *value;
    fail_type(name);
  }
  // `otherwise` when it is absent; throws Error when it is of another type.
  template <class T>
  T get_or(std::string_view name, T otherwise) const {
    return has(name) ? get<T>(name) : otherwise;
  }
  std::string to_string() const;  // "eps=1e-06, heads=8"
  bool operator==(const Attributes&) const = default;

 private:
  const Attribute& find(std::string_view name) const;
  [[noreturn]] void fail_type(std::string_view name) const;
  std::map<std::string, Attribute> map_;
};

}  // namespace swiftlet
