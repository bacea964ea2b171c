#include "swiftlet/eval/task.h"

#include <fmt/ranges.h>

#include <array>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

constexpr std::size_t kLeastDraws = 10;

constexpr std::array<Task, 4> kTasks{{
    {"stsb", "spearman", true, run_stsb},
    {"retrieval", "ndcg_at_10", true, run_retrieval},
    {"perplexity", "perplexity", false, run_perplexity},
    {"kl", "kl_divergence", false, run_kl},
}};

}  // namespace

double TaskResult::metric(std::string_view name) const {
  for (const auto& [known, value] : metrics)
    if (known == name) return value;
  fail(ErrorCode::kNotFound, "eval", "there is no metric named '{}'", name);
}

std::optional<Interval> interval_of(const TaskResult& result) {
  return interval_of(result, result, [](double value, double) { return value; });
}

std::optional<Interval> interval_of(const TaskResult& first, const TaskResult& second,
                                    const PairedFigure& figure) {
  SWIFTLET_ASSERT(first.draws == second.draws);
  if (first.draws < kLeastDraws) return std::nullopt;
  return bootstrap_interval(first.draws, [&](std::span<const std::size_t> drawn) {
    return figure(first.resampled(drawn), second.resampled(drawn));
  });
}

std::vector<std::string_view> task_names() {
  std::vector<std::string_view> names;
  for (const Task& task : kTasks) names.push_back(task.name);
  return names;
}

const Task& find_task(std::string_view name) {
  for (const Task& task : kTasks)
    if (task.name == name) return task;
  fail(ErrorCode::kUnsupported, "eval", "there is no task named '{}'; known are {}", name,
       fmt::join(task_names(), ", "));
}

}  // namespace swiftlet
