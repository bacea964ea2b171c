// Values as text: str() and repr() of Python, and JSON in and out.
#pragma once

#include <string>
#include <string_view>

#include "swiftlet/text/jinja_value.h"

namespace swiftlet::text::jinja {

// The shortest decimal that reads back as the same double, in Python's spelling: 1.0, 1e-05, inf.
std::string float_text(double value);
// 'it', "it's": quotes and escapes as repr() chooses them.
void append_quoted(std::string& out, std::string_view text);

// Both are counted by `run` as they grow.
std::string str(Runtime& run, const Value& value);
std::string repr(Runtime& run, const Value& value);

// As transformers' `tojson`: json.dumps with these parameters.
struct JsonStyle {
  bool ascii = false, sort_keys = false, indented = false;
  std::string indent;  // of one level, where indented
  std::string item_separator = ", ", key_separator = ": ";
};
std::string to_json(Runtime& run, const Value& value, const JsonStyle& style);

// Objects keep the order of their members. Throws kInvalid, naming `where`, for what is not JSON or nests
// more than 128 deep.
Value from_json(std::string_view json, const std::string& where);

}  // namespace swiftlet::text::jinja
