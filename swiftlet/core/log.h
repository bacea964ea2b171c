// Log lines on standard error through spdlog. The library warns here; results never go through it.
#pragma once

#include <spdlog/spdlog.h>

namespace swiftlet {

// The one logger: "warning: ..." on standard error. Thread-safe.
spdlog::logger& logger();

template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  logger().warn(format, std::forward<Args>(args)...);
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  logger().info(format, std::forward<Args>(args)...);
}

}  // namespace swiftlet
