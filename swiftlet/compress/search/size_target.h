// SizeTarget: how small a file is to be.
#pragma once

#include <cstdint>
#include <string_view>

namespace swiftlet {

// "size=7.5x": so many times smaller than the files of the model; "size=12MB" (10^6; kB, GB too).
struct SizeTarget {
  double times = 0;  // 0: `bytes` says it
  std::int64_t bytes = 0;

  // Throws kUsage for what it cannot be, and for targets that there are not yet.
  static SizeTarget parse(std::string_view text);
  // What a model of so many bytes may have.
  std::int64_t limit(std::int64_t model_bytes) const;
};

}  // namespace swiftlet
