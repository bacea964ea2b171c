#include "swiftlet/eval/task.h"

#include <fmt/ranges.h>

#include <array>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

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
