// Python's operators on values.
#pragma once

#include <string_view>

#include "swiftlet/text/jinja_value.h"

namespace swiftlet::text::jinja {

// `op`: + - * / // % **
Value binary(Runtime& run, std::string_view op, const Value& a, const Value& b);
Value negate(Runtime& run, const Value& value);
// container[index], undefined when there is no such item; a negative index counts from the end.
Value item(Runtime& run, const Value& container, const Value& index);
Value slice(Runtime& run, const Value& value, const Value& start, const Value& stop, const Value& step);

}  // namespace swiftlet::text::jinja
