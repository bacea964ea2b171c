// Method: the steps by which a matrix gets its codes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace swiftlet {

// Which input channels are made smaller, so that their weights get larger, or the other way: scale_search.h.
enum class ChannelScaling : std::uint8_t { kNone, kAwq, kSmoothQuant };
enum class Rounding : std::uint8_t { kNearest, kGptq };

// Names joined by '+', in any order: "rtn", "gptq", "awq+gptq". "awq" clips too, as its authors do.
struct Method {
  ChannelScaling scaling = ChannelScaling::kNone;
  bool clip = false;  // scales of groups are searched (group_scales.h), not those of the extremes
  Rounding rounding = Rounding::kNearest;

  bool operator==(const Method&) const = default;
};

std::string to_string(const Method& method);
// Throws kUsage, listing the names, for one that is not known or that contradicts another.
Method parse_method(std::string_view names);

// Clipping alone looks at calibration samples where there are some, and at nothing but the weights else.
inline bool needs_calibration(const Method& method) {
  return method.scaling != ChannelScaling::kNone || method.rounding != Rounding::kNearest;
}

}  // namespace swiftlet
