#include "swiftlet/core/error.h"

#include <system_error>

namespace swiftlet {

std::string errno_text(int error_number) {
  return std::generic_category().message(error_number);
}

void assertion_failed(const char* expression, const char* file, int line) {
  throw std::logic_error(fmt::format("{}:{}: assertion failed: {}", file, line, expression));
}

}  // namespace swiftlet
