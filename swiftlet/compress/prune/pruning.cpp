#include "swiftlet/compress/prune/pruning.h"

#include <algorithm>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

struct MethodName {
  PruneMethod method;
  std::string_view name;
};
constexpr MethodName kMethods[] = {{PruneMethod::kMagnitude, "magnitude"},
                                   {PruneMethod::kWanda, "wanda"},
                                   {PruneMethod::kSparseGpt, "sparsegpt"}};

}  // namespace

std::string_view to_string(PruneMethod method) {
  for (const MethodName& known : kMethods)
    if (known.method == method) return known.name;
  return "";
}

Pruning parse_pruning(std::string_view pattern, std::string_view method) {
  const auto* const known = std::find_if(std::begin(kMethods), std::end(kMethods),
                                         [&](const MethodName& m) { return m.name == method; });
  if (known == std::end(kMethods))
    fail(ErrorCode::kUsage, "prune-method", "'{}' is not known; known are magnitude, wanda, sparsegpt",
         method);
  const Pruning pruning{parse_prune_pattern(pattern), known->method};
  if (pruning.pattern.kind == PrunePattern::Kind::kBelow && known->method != PruneMethod::kMagnitude)
    fail(ErrorCode::kUsage, "prune", "{} is a threshold of magnitudes, which {} does not look at", pattern,
         method);
  return pruning;
}

}  // namespace swiftlet
