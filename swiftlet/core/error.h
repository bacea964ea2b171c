// Errors that a user, a file or the network can cause.
//
// They are thrown as swiftlet::Error with one line "[where] what was expected, what came". The library never
// prints, exits or aborts; the doors (command line, server) turn the code into an exit or HTTP status.
// Faults of the programmer are SWIFTLET_ASSERT instead.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace swiftlet {

enum class ErrorCode {
  kInvalid,      // a file, a value or an input is malformed
  kNotFound,     // a file or a name does not exist
  kUnsupported,  // well-formed, but a feature that is not available
  kIo,           // the operating system refused a read or a write
  kMemory,       // it would not fit into memory
  kCancelled,    // a Job was cancelled
  kUsage,        // options that contradict each other or are not known
};

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, std::string_view where, std::string_view message)
      : std::runtime_error(fmt::format("[{}] {}", where, message)), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

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
