// Budget: how much of a metric may be lost.
#pragma once

#include <string>
#include <string_view>

#include "swiftlet/eval/task.h"

namespace swiftlet {

// "0.5%": relative to the metric before. "0.3": absolute, in points for metrics of 0..1 (0.3 points of
// Spearman are 0.003) and in the metric's own unit for perplexity and divergence.
struct Budget {
  double limit = 0;
  bool relative = false;

  // Throws kUsage for anything but a non-negative number with or without %.
  static Budget parse(std::string_view text);
  std::string_view unit(const Task& task) const;  // "%", "points", "perplexity", "nats"
  // Positive when `after` is worse. Throws kUsage when relative to zero.
  double loss(const Task& task, double before, double after) const;
};

}  // namespace swiftlet
