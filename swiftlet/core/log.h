// Log lines on standard error. The library warns here; results never go through it.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

namespace spdlog {
class logger;
}

namespace swiftlet {

// The one logger: "warning: ..." on standard error. Thread-safe. spdlog is a large header: only the files
// that change the logger read it.
spdlog::logger& logger();

void write_warning(const std::string& text);

template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  write_warning(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace swiftlet
