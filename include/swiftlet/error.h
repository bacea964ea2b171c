// Errors that a user, a file or the network can cause: the one type that the library throws for them.
//
// what() is one line "[where] what was expected, what came", where `where` is a path, an option or the name
// of a tensor. The library never exits or aborts, and prints nothing but warnings, on standard error. Faults
// of the program that calls it (an index out of range) are std::logic_error, and a lack of memory may be
// std::bad_alloc.
#pragma once

#include <stdexcept>
#include <string_view>

#include "swiftlet/export.h"

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

class SWIFTLET_API Error : public std::runtime_error {
 public:
  Error(ErrorCode code, std::string_view where, std::string_view message);
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace swiftlet
