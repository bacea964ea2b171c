// compress: plan → encode → write → measure what is on disk → gate → certificate.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "swiftlet/compress/calibrate/samples.h"
#include "swiftlet/compress/plan.h"
#include "swiftlet/compress/search/bit_search.h"
#include "swiftlet/eval/task.h"
#include "swiftlet/job.h"

namespace swiftlet {

struct CompressRequest {
  std::filesystem::path model, output;
  Plan plan;
  CalibrationOptions calibration;  // where the plan's method or a target needs it
  std::string target;  // "size=7x": rules for the plan are searched (search/bit_search.h); empty: none
  std::string task;    // empty: nothing is measured
  TaskOptions data;
  std::string budget;  // empty: no limit
  bool force = false;  // write although the budget is broken
  int threads = 0;
};

struct WeightChange {
  std::string name, before, after;  // encodings
  std::int64_t bytes_before = 0, bytes_after = 0;
  double relative_error = 0;
  double sparsity = 0;  // of what was pruned: the share of stored values that are zero
  std::string note;
};

struct ModelMeasurement {
  std::int64_t file_bytes = 0;  // all files of the model
  std::int64_t weight_bytes = 0;
  std::int64_t peak_memory_bytes = 0;  // largest resident set while it was measured
  TaskResult result;
};

struct CompressReport {
  bool written = false;
  std::vector<WeightChange> weights;
  std::string plan;                     // that was used, JSON
  std::int64_t calibration_tokens = 0;  // that were looked at
  std::vector<SizeLoss> front;          // of a search
  std::optional<SizeLoss> chosen;
  std::optional<ModelMeasurement> before, after;
  std::string deciding_metric, budget_unit;
  double loss = 0, limit = 0;
  // Of the metric before and after, and of the loss over the same draws: 95%, by bootstrap.
  std::optional<Interval> interval_before, interval_after, loss_interval;
  bool within_budget = true;
  std::string reason;  // why nothing was written
};

// Throws Error for faults of files and options. A broken budget is no error: the report says it. A failure,
// an interrupt, even a kill, or a broken budget leaves an existing output as it was.
//
// The conversion itself streams: beside the mapped source it holds one weight, so at most twice the largest
// tensor and 256 MB of memory that is not backed by a file; with calibration what quantize/layer_by_layer.h
// says; a matrix that is pruned takes its values and scores in f32 besides. What measures the model before
// and after (activations, packed weights) needs its own.
CompressReport compress_model(const CompressRequest& request, const Job& job);

// Writes a model as it is: in native form to *.swiftlet, for llama.cpp to *.gguf, else as a folder for
// transformers. Streams like
// compress_model. Returns the bytes written.
std::int64_t convert_model(const std::filesystem::path& model, const std::filesystem::path& output,
                           const Job& job);

// All files that belong to a model: weights, config, tokenizer.
std::int64_t model_file_bytes(const std::filesystem::path& model);

}  // namespace swiftlet
