#include "swiftlet/cli/format.h"

#include <fmt/format.h>

#include <cmath>

namespace swiftlet::cli {

std::string human_bytes(std::int64_t bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  double value = double(bytes);
  std::size_t unit = 0;
  while (std::abs(value) >= 999.95 && unit < 4) {
    value /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string grouped(std::int64_t number) {
  std::string text = std::to_string(number);
  const std::size_t first = text.starts_with('-') ? 1 : 0;
  for (std::size_t at = text.size(); at > first + 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

std::string human_number(double number) {
  if (!std::isfinite(number)) return fmt::format("{}", number);
  const double size = std::abs(number);
  if (size >= 9.2e18) return fmt::format("{:.4g}", number);
  if (size >= 999.95) return grouped(std::llround(number));
  if (size >= 99.995) return fmt::format("{:.1f}", number);
  if (size >= 9.9995) return fmt::format("{:.2f}", number);
  if (size >= 0.99995) return fmt::format("{:.3f}", number);
  if (size >= 0.001 || size == 0) return fmt::format("{:.4f}", number);
  return fmt::format("{:.3g}", number);
}

std::string human_seconds(double seconds) {
  if (seconds < 0.9995) return fmt::format("{:.0f} ms", seconds * 1000);
  if (seconds < 99.95) return fmt::format("{:.1f} s", seconds);
  const std::int64_t whole = std::llround(seconds);
  return fmt::format("{} min {} s", whole / 60, whole % 60);
}

std::string clock_time(double seconds) {
  const std::int64_t whole = std::llround(std::ceil(seconds));
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace swiftlet::cli
