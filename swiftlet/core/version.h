// The release. CMakeLists.txt reads it from here.
#pragma once

#include <string_view>

namespace swiftlet {

constexpr std::string_view kVersion = "0.1.0";

}  // namespace swiftlet
