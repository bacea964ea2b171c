#include "swiftlet/compress/quantize/method.h"

#include <fmt/ranges.h>

#include <vector>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

constexpr const char* kNames = "rtn, clip, gptq, awq, smoothquant, or several joined by '+'";

std::vector<std::string_view> split(std::string_view names) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0;;) {
    const std::size_t end = names.find('+', begin);
    parts.push_back(names.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

}  // namespace

std::string to_string(const Method& method) {
  std::vector<std::string_view> parts;
  if (method.scaling == ChannelScaling::kAwq) parts.emplace_back("awq");
  if (method.scaling == ChannelScaling::kSmoothQuant) parts.emplace_back("smoothquant");
  if (method.clip && method.scaling != ChannelScaling::kAwq) parts.emplace_back("clip");
  if (method.rounding == Rounding::kGptq) parts.emplace_back("gptq");
  return parts.empty() ? "rtn" : fmt::format("{}", fmt::join(parts, "+"));
}

Method parse_method(std::string_view names) {
  Method method;
  bool nearest = false;
  for (const std::string_view name : split(names)) {
    const auto scale = [&](ChannelScaling scaling) {
      if (method.scaling != ChannelScaling::kNone && method.scaling != scaling)
        fail(ErrorCode::kUsage, "method", "'{}': awq and smoothquant both scale channels; take one", names);
      method.scaling = scaling;
    };
    if (name == "rtn")
      nearest = true;
    else if (name == "gptq")
      method.rounding = Rounding::kGptq;
    else if (name == "clip")
      method.clip = true;
    else if (name == "awq")
      scale(ChannelScaling::kAwq), method.clip = true;
    else if (name == "smoothquant")
      scale(ChannelScaling::kSmoothQuant);
    else
      fail(ErrorCode::kUsage, "method", "'{}' is not known; known are {}", name, kNames);
  }
  if (nearest && method.rounding != Rounding::kNearest)
    fail(ErrorCode::kUsage, "method", "'{}': rtn and gptq both round; take one", names);
  return method;
}

}  // namespace swiftlet
