#include "swiftlet/compress/search/size_target.h"

#include <charconv>
#include <cmath>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

[[noreturn]] void fail_target(std::string_view text) {
  fail(ErrorCode::kUsage, "target", "expected a size such as size=7x or size=12MB, got '{}'", text);
}

}  // namespace

SizeTarget SizeTarget::parse(std::string_view text) {
  constexpr std::string_view kSize = "size=";
  for (const std::string_view other : {"latency=", "memory=", "throughput=", "energy="})
    if (text.starts_with(other))
      fail(ErrorCode::kUsage, "target", "{} does not exist yet, only size",
           other.substr(0, other.size() - 1));
  if (!text.starts_with(kSize)) fail_target(text);
  const std::string_view value = text.substr(kSize.size());
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  const std::string_view unit = value.substr(static_cast<std::size_t>(end - value.data()));
  if (error != std::errc() || !std::isfinite(number) || !(number > 0)) fail_target(text);
  if (unit == "x") {
    if (number < 1) fail_target(text);
    return {.times = number};
  }
  const double scale = unit == "kB" ? 1e3 : unit == "MB" ? 1e6 : unit == "GB" ? 1e9 : 0;
  const double bytes = number * scale;
  if (!(bytes >= 1 && bytes < 1e18)) fail_target(text);
  return {.bytes = static_cast<std::int64_t>(bytes)};
}

std::int64_t SizeTarget::limit(std::int64_t model_bytes) const {
  return times > 0 ? static_cast<std::int64_t>(static_cast<double>(model_bytes) / times) : bytes;
}

}  // namespace swiftlet
