// Callables made by the engine itself.
#pragma once

#include <functional>
#include <string>

#include "swiftlet/text/jinja_arguments.h"

namespace swiftlet::text::jinja {

using Native = std::function<Value(Interpreter&, Arguments&)>;
Value make_native(std::string name, Native function);
// `builtin` as a value that can be called: a global function, or with `self` a method.
Value make_callable(const Builtin& builtin, Value self);
// A method that the sandbox forbids: fails when it is called.
Value make_refused(const Value& self, std::string_view name);

}  // namespace swiftlet::text::jinja
