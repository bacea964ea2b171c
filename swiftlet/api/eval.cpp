#include "swiftlet/api/model_impl.h"
#include "swiftlet/eval/task.h"
#include "swiftlet/hub.h"

namespace swiftlet {

double EvalResult::metric(std::string_view name) const {
  for (const auto& [known, value] : metrics)
    if (known == name) return value;
  fail(ErrorCode::kNotFound, "eval", "there is no metric named '{}'", name);
}

std::vector<std::string> eval_tasks() {
  const auto names = task_names();
  return {names.begin(), names.end()};
}

EvalResult evaluate(Model& model, const EvalOptions& options, const Job* job) {
  const Task& task = find_task(options.task);
  if (options.data.empty())
    fail(ErrorCode::kUsage, "data", "task '{}' needs a data set (--data)", options.task);
  const TaskResult result = task.run(ModelAccess::impl(model).loaded,
                                     {.data = options.data,
                                      .reference = fetch_model(options.reference, {}, job),
                                      .context = options.context,
                                      .stride = options.stride,
                                      .limit = options.limit},
                                     or_default(job));
  const std::optional<Interval> interval = interval_of(result);
  return {
      .task = options.task,
      .data = options.data,
      .metrics = result.metrics,
      .interval = interval ? std::optional(ConfidenceInterval{interval->low, interval->high}) : std::nullopt,
      .items = result.items,
      .tokens = result.tokens,
      .seconds = result.seconds};
}

}  // namespace swiftlet
