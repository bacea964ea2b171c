#include "swiftlet/core/error.h"

#include <system_error>

#include "swiftlet/core/one_line.h"

namespace swiftlet {

Error::Error(ErrorCode code, std::string_view where, std::string_view message)
    : std::runtime_error(one_line(fmt::format("[{}] {}", where, message))), code_(code) {}

std::string errno_text(int error_number) {
  return std::generic_category().message(error_number);
}

void assertion_failed(const char* expression, const char* file, int line) {
  throw std::logic_error(fmt::format("{}:{}: assertion failed: {}", file, line, expression));
}

}  // namespace swiftlet
