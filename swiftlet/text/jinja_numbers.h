// Texts to numbers and numbers rounded, by Python's rules.
#pragma once

#include <optional>

#include "swiftlet/text/jinja_value.h"

namespace swiftlet::text::jinja {

// int(value, base) and then int(float(value)); none where neither reads it.
std::optional<std::int64_t> to_int(Runtime& run, const Value& value, int base);
std::optional<double> to_float(Runtime& run, const Value& value);
// round(value, precision): to the nearest decimal, halves to the even one.
Value round_number(Runtime& run, const Value& value, std::int64_t precision);

}  // namespace swiftlet::text::jinja
