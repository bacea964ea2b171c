// Pruning: what a plan says of elements that are to become zero.
#pragma once

#include <optional>
#include <string_view>

#include "swiftlet/compress/prune/pattern.h"

namespace swiftlet {

enum class PruneMethod : std::uint8_t {
  kMagnitude,  // magnitude.h; needs no data
  kWanda,      // wanda.h
  kSparseGpt,  // sparse_gpt.h
};

std::string_view to_string(PruneMethod method);  // "magnitude", "wanda", "sparsegpt"

struct Pruning {
  PrunePattern pattern;
  PruneMethod method = PruneMethod::kMagnitude;

  // Whether the method looks at calibration samples.
  bool needs_calibration() const { return method != PruneMethod::kMagnitude; }
};

// Throws kUsage as parse_prune_pattern() does, for a method that is not known, and for a threshold, which is
// one of |w|, with another method than magnitude.
Pruning parse_pruning(std::string_view pattern, std::string_view method);

}  // namespace swiftlet
