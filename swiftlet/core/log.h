// Warnings of the library: set_warning_handler() says where they go. Results never go through here.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "swiftlet/warnings.h"

namespace swiftlet {

// Control characters of `text` are shown as such: it may hold names from files. Thread-safe.
void write_warning(const std::string& text);

template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  write_warning(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace swiftlet
