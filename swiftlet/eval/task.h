// Task: one way to measure a model on a data set. One file each and a row of the table in task.cpp.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "swiftlet/engine/model.h"
#include "swiftlet/eval/bootstrap.h"
#include "swiftlet/job.h"

namespace swiftlet {

struct TaskOptions {
  std::filesystem::path data;
  std::filesystem::path reference;       // the model that "kl" compares with
  std::int64_t context = 0, stride = 0;  // tokens; 0: see default_window
  std::int64_t limit = 0;                // only the first items; 0: all
};

struct TaskResult {
  std::vector<std::pair<std::string, double>> metrics;  // in the order in which they should be shown
  std::int64_t items = 0;                               // sentences, queries and documents, scored tokens
  std::int64_t tokens = 0;                              // that went through the model
  double seconds = 0;                                   // in the model, tokenizing excluded
  // What the deciding metric is made of and may be drawn from: windows of a text, pairs of sentences,
  // queries.
  std::size_t draws = 0;
  ResampledMetric resampled;  // the deciding metric of some of them

  double metric(std::string_view name) const;  // throws kNotFound
};

struct Task {
  std::string_view name;
  std::string_view deciding_metric;  // what a budget is about
  bool higher_is_better;
  TaskResult (*run)(std::shared_ptr<LoadedModel> model, const TaskOptions& options, const Job& job);
};

// Of the deciding metric, by bootstrap over what it is made of. None of fewer than 10 draws.
std::optional<Interval> interval_of(const TaskResult& result);
// Of a figure of two results of one task on one data set: the same draws for both (paired).
using PairedFigure = std::function<double(double first, double second)>;
std::optional<Interval> interval_of(const TaskResult& first, const TaskResult& second,
                                    const PairedFigure& figure);

// Throws kUnsupported listing the tasks that there are.
const Task& find_task(std::string_view name);
std::vector<std::string_view> task_names();

// The tasks
TaskResult run_stsb(std::shared_ptr<LoadedModel> model, const TaskOptions& options, const Job& job);
TaskResult run_retrieval(std::shared_ptr<LoadedModel> model, const TaskOptions& options, const Job& job);
TaskResult run_perplexity(std::shared_ptr<LoadedModel> model, const TaskOptions& options, const Job& job);
TaskResult run_kl(std::shared_ptr<LoadedModel> model, const TaskOptions& options, const Job& job);

}  // namespace swiftlet
