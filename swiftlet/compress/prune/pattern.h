// PrunePattern: which sets of elements of a matrix may become zero.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "swiftlet/encoding/weight.h"

namespace swiftlet {

struct PrunePattern {
  enum class Kind : std::uint8_t {
    kRatio,   // a share of the elements, or of blocks that become zero as a whole
    kGroups,  // of every `group` consecutive elements of a row all but `keep`
    kBelow,   // every element of a score below a threshold
  };
  static constexpr std::int64_t kMostGroup = 128;

  Kind kind = Kind::kRatio;
  double ratio = 0;                                // kRatio: 0 to 1, both excluded
  std::int64_t block_rows = 1, block_columns = 1;  // kRatio: of 1x1, 1x4, 4x4
  std::int64_t keep = 0, group = 0;                // kGroups: N and M of N:M
  float threshold = 0;                             // kBelow

  bool operator==(const PrunePattern&) const = default;
};

// "50%", "1x4:50%", "4x4:50%", "2:4" (N of every M stay, the notation of Mishra et al. 2021), "below:0.01".
// Throws kUsage for what is none of these, a ratio that is not between 0% and 100%, N that is not below M,
// M above kMostGroup, and a threshold that is not positive.
PrunePattern parse_prune_pattern(std::string_view text);
std::string to_string(const PrunePattern& pattern);  // the inverse

// Throws kUnsupported, naming the weight, when a matrix is not made of whole groups or blocks.
void check_pattern(const PrunePattern& pattern, const Weight& weight);

}  // namespace swiftlet
