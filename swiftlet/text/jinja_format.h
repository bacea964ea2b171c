// Python's two ways to format: "%05.2f" % x and "{:>8}".format(x).
#pragma once

#include <string_view>

#include "swiftlet/text/jinja_arguments.h"

namespace swiftlet::text::jinja {

// `values`: a tuple, a dict for %(name)s, or one value.
Value percent_format(Runtime& run, const Value& format, const Value& values);
// str.format(); attributes and items of fields are looked up as the sandbox allows.
Value brace_format(Call& call);

}  // namespace swiftlet::text::jinja
