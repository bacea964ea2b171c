// Confidence interval of a metric by resampling its items with replacement (Efron, 1979; percentile
// interval): tells whether a loss under compression is more than the luck of the test set.
//
// The draws are counter-based: the interval depends only on (seed, items, resamples), never on threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace swiftlet {

struct Interval {
  double low = 0;
  double high = 0;
};

struct BootstrapOptions {
  std::size_t resamples = 1000;
  double confidence = 0.95;  // in (0, 1)
  std::uint64_t seed = 0;
};

// The metric of the items at these indices (with repetitions, as many as there are items). For a difference
// of two systems compute both on the same indices and return the difference: that is the paired test.
using ResampledMetric = std::function<double(std::span<const std::size_t> indices)>;

// Throws kUsage for options out of range, kInvalid for no items or a metric that turns NaN. What the metric
// throws passes through.
Interval bootstrap_interval(std::size_t items, const ResampledMetric& metric,
                            const BootstrapOptions& options = {});

}  // namespace swiftlet
