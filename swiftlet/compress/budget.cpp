#include "swiftlet/compress/budget.h"

#include <charconv>
#include <cmath>

#include "swiftlet/core/error.h"

namespace swiftlet {

Budget Budget::parse(std::string_view text) {
  Budget budget;
  std::string_view number = text;
  if (number.ends_with('%')) {
    budget.relative = true;
    number.remove_suffix(1);
  }
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), budget.limit);
  if (error != std::errc() || end != number.data() + number.size() || !(budget.limit >= 0) ||
      !std::isfinite(budget.limit))
    fail(ErrorCode::kUsage, "budget", "expected a number such as 0.3 or a share such as 0.5%, got '{}'",
         text);
  return budget;
}

std::string_view Budget::unit(const Task& task) const {
  if (relative) return "%";
  return task.higher_is_better ? "points" : task.deciding_metric == "perplexity" ? "perplexity" : "nats";
}

double Budget::loss(const Task& task, double before, double after) const {
  const double worse = task.higher_is_better ? before - after : after - before;
  if (!relative) return task.higher_is_better ? 100 * worse : worse;
  if (before == 0)
    fail(ErrorCode::kUsage, "budget",
         "{} is 0 before compression: a share of it means nothing, give an absolute budget",
         task.deciding_metric);
  return 100 * worse / std::abs(before);
}

}  // namespace swiftlet
