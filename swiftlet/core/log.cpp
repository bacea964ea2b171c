#include "swiftlet/core/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <mutex>

#include "swiftlet/core/one_line.h"

namespace swiftlet {
namespace {

struct Warnings {
  Warnings() { standard_error.set_pattern("swiftlet: %l: %v"); }
  std::mutex mutex;
  spdlog::logger standard_error{"swiftlet", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
  std::function<void(std::string_view)> handler;
};

Warnings& warnings() {
  static Warnings instance;
  return instance;
}

}  // namespace

void set_warning_handler(std::function<void(std::string_view)> handler) {
  const std::lock_guard lock(warnings().mutex);
  warnings().handler = std::move(handler);
}

void write_warning(const std::string& text) {
  const std::string line = one_line(text);
  const std::lock_guard lock(warnings().mutex);
  if (warnings().handler)
    warnings().handler(line);
  else
    warnings().standard_error.warn(line);
}

}  // namespace swiftlet
