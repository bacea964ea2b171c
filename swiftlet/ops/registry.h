// The table of all ops by name. A new op is one file and one row of registry.cpp.
#pragma once

#include <span>
#include <string_view>

#include "swiftlet/graph/op_schema.h"

namespace swiftlet::ops {

std::span<const OpSchema* const> all_ops();
// Throws kUnsupported for an unknown name.
const OpSchema& find_op(std::string_view name);

}  // namespace swiftlet::ops
