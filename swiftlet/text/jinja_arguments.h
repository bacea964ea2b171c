// How filters, tests, functions and methods are declared and get their arguments: one row of a table each.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "swiftlet/text/jinja_value.h"

namespace swiftlet::text::jinja {

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

// One call on its way: what it is called on, and its parameters in the order of the declaration.
class Call {
 public:
  Call(Interpreter& interpreter, Runtime& runtime, std::string_view called, Value on, Arguments given)
      : in(interpreter), run(runtime), name(called), self(std::move(on)), arguments(std::move(given)) {}

  Interpreter& in;
  Runtime& run;
  std::string_view name;
  Value self;           // what a filter or a method works on; undefined for functions
  Arguments arguments;  // all of them, for those that take any

  // Assigns the arguments to the parameters; fails for too many, too few and unknown ones.
  void bind(std::span<const char* const> parameters);

  bool has(std::size_t i) const { return i < bound_.size() && bound_[i].has_value(); }
  const Value& value(std::size_t i) const { return *bound_[i]; }  // REQUIRES: has(i)
  Value value_or(std::size_t i, Value fallback) const { return has(i) ? value(i) : std::move(fallback); }
  const Text& text(std::size_t i) const;  // fails unless it is a text
  std::int64_t integer(std::size_t i, std::int64_t fallback) const;
  bool flag(std::size_t i, bool fallback) const { return has(i) ? truth(value(i)) : fallback; }
  std::string self_text() const;  // of filters: any value, as str() writes it
  Value make(std::string bytes) const { return make_string(run, std::move(bytes)); }

 private:
  std::vector<std::optional<Value>> bound_;
};

constexpr std::size_t kMostParameters = 6;

// Parameters by name; "?" in front: may be left out; "*" alone: takes whatever comes, in Call::arguments.
struct Builtin {
  const char* name;
  std::array<const char*, kMostParameters> parameters;
  Value (*run)(Call& call);
};

Value invoke(const Builtin& builtin, Call& call);
// The row of that name, or null.
const Builtin* find_builtin(std::span<const Builtin> table, std::string_view name);

}  // namespace swiftlet::text::jinja
