// Where warnings go: what a user should know although the work goes on (a slower kernel, an ignored weight).
#pragma once

#include <functional>
#include <string_view>

#include "swiftlet/export.h"

namespace swiftlet {

// Gives every later warning, one line without its end, to `handler`; an empty one goes back to standard
// error. Warnings come from the thread that does the work, one at a time; the handler must not call this
// library. Thread-safe.
SWIFTLET_API void set_warning_handler(std::function<void(std::string_view warning)> handler);

}  // namespace swiftlet
