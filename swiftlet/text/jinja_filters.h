// The tables of filters, tests, global functions and methods.
#pragma once

#include <string_view>

#include "swiftlet/text/jinja_arguments.h"

namespace swiftlet::text::jinja {

const Builtin* find_filter(std::string_view name);    // jinja_filters.cpp, jinja_filters_lists.cpp
const Builtin* find_test(std::string_view name);      // jinja_tests.cpp; results are booleans
const Builtin* find_function(std::string_view name);  // jinja_functions.cpp: range, namespace, ...
// Methods of texts, lists, dicts and numbers. `refused`: the sandbox forbids it, since it would change the
// value.
struct Method {
  const Builtin* builtin = nullptr;
  bool refused = false;
};
Method find_method(const Value& self, std::string_view name);  // jinja_methods.cpp, jinja_methods_text.cpp

// The parts of the tables that lie in other files.
std::span<const Builtin> list_filters();
std::span<const Builtin> text_methods();

}  // namespace swiftlet::text::jinja
