// How the library throws swiftlet::Error, and assertions for faults of the programmer.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "swiftlet/error.h"

namespace swiftlet {

// fail(ErrorCode::kInvalid, path, "header is {} bytes, the file only {}", header, size);
template <class... Args>
[[noreturn]] void fail(ErrorCode code, std::string_view where, fmt::format_string<Args...> format,
                       Args&&... args) {
  throw Error(code, where, fmt::format(format, std::forward<Args>(args)...));
}

// Throws kInvalid with the message when `ok` is false. The message is formatted only then.
template <class... Args>
void require(bool ok, std::string_view where, fmt::format_string<Args...> format, Args&&... args) {
  if (!ok) [[unlikely]]
    throw Error(ErrorCode::kInvalid, where, fmt::format(format, std::forward<Args>(args)...));
}

// Text of errno for messages: "No space left on device".
std::string errno_text(int error_number);

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace swiftlet

// A programmer's fault: stays on in release builds, since none stands in a hot loop.
#define SWIFTLET_ASSERT(expression) \
  ((expression) ? void(0) : ::swiftlet::assertion_failed(#expression, __FILE__, __LINE__))
