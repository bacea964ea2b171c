#include "swiftlet/eval/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "swiftlet/core/error.h"
#include "swiftlet/core/rng.h"
#include "swiftlet/eval/stats.h"

namespace swiftlet {
namespace {

constexpr const char* kWhere = "bootstrap";

void check(std::size_t items, const BootstrapOptions& options) {
  require(items > 0, kWhere, "expected at least one item");
  if (options.resamples == 0) fail(ErrorCode::kUsage, kWhere, "expected at least one resample");
  if (!(options.confidence > 0 && options.confidence < 1))
    fail(ErrorCode::kUsage, kWhere, "confidence must lie between 0 and 1, got {}", options.confidence);
}

}  // namespace

Interval bootstrap_interval(std::size_t items, const ResampledMetric& metric,
                            const BootstrapOptions& options) {
  check(items, options);
  std::vector<double> values(options.resamples);
  std::vector<std::size_t> indices(items);
  for (std::size_t resample = 0; resample < options.resamples; ++resample) {
    for (std::size_t i = 0; i < items; ++i)
      indices[i] = static_cast<std::size_t>(uniform(options.seed, resample, i) * static_cast<double>(items));
    values[resample] = metric(indices);
    require(!std::isnan(values[resample]), kWhere, "the metric of resample {} is NaN", resample);
  }
  std::sort(values.begin(), values.end());
  const double tail = (1 - options.confidence) / 2;
  return {sorted_quantile(values, tail), sorted_quantile(values, 1 - tail)};
}

}  // namespace swiftlet
