#include "swiftlet/compress/compress.h"

#include "swiftlet/api/model_impl.h"
#include "swiftlet/encoding/round_to_blocks.h"
#include "swiftlet/eval/vectors.h"
#include "swiftlet/hub.h"
#include "swiftlet/io/native.h"

namespace swiftlet {
namespace {

// Of int8 and int4; blocks bring their own.
bool takes_groups(const Encoding& encoding) {
  return encoding.is_integer() && !encoding.has_blocks();
}

Encoding float_or_integer(std::string_view name, int group, bool asymmetric, std::string_view option) {
  const auto encoding = parse_encoding(name);
  if (!encoding || encoding->group != 0 || encoding->asymmetric ||
      (encoding->has_blocks() && !rounds_to_blocks(encoding->format)))
    fail(ErrorCode::kUsage, option, "'{}' is not known; known are f32, f16, bf16, int8, q5_0, int4, q4_r",
         name);
  if (!takes_groups(*encoding)) return *encoding;
  if (group < 0) fail(ErrorCode::kUsage, "group", "must not be negative, is {}", group);
  return {encoding->format, group, asymmetric};
}

Plan make_plan(const CompressOptions& options) {
  Plan plan;
  plan.weights = float_or_integer(options.weights, options.group, options.asymmetric, "weights");
  plan.skip = options.skip;
  if (!options.prune.empty()) plan.prune = parse_pruning(options.prune, options.prune_method);
  const auto method = parse_method(options.method);
  if (!method) fail(ErrorCode::kUsage, "method", "'{}' is not known; known are rtn, gptq", options.method);
  plan.method = *method;
  // Tables are looked up row by row, so they lose most by coarse codes: unasked they become int8 with a scale
  // for each row.
  if (!options.embeddings.empty())
    plan.embeddings = float_or_integer(options.embeddings, options.group, options.asymmetric, "embeddings");
  else if (!plan.weights.is_integer())
    plan.embeddings = plan.weights;
  const bool integers = plan.weights.is_integer() || plan.embeddings.is_integer();
  const bool grouped =
      takes_groups(plan.weights) || (!options.embeddings.empty() && takes_groups(plan.embeddings));
  if (!grouped && (options.group != 0 || options.asymmetric))
    fail(ErrorCode::kUsage, "group", "groups and offsets belong to int8 and int4, not to {}",
         options.weights);
  const Arithmetic of_floats = plan.weights.format == Format::kBF16 ? Arithmetic::kBF16 : Arithmetic::kF32;
  plan.arithmetic = integers ? Arithmetic::kInt8 : of_floats;
  if (options.activations.empty()) return plan;
  const auto wanted = parse_precision(options.activations, "activations");
  if (integers && wanted == Arithmetic::kBF16)
    fail(ErrorCode::kUnsupported, "activations",
         "bf16 activations with int8 or int4 weights are not available; take int8 or f32");
  if (!integers && wanted == Arithmetic::kInt8)
    fail(ErrorCode::kUsage, "activations", "int8 activations need int8 or int4 weights, not {}",
         options.weights);
  if (!integers && wanted != of_floats)
    fail(ErrorCode::kUsage, "activations", "{} weights are multiplied in {}, not {}", options.weights,
         to_string(of_floats), options.activations);
  plan.arithmetic = *wanted;
  return plan;
}

std::optional<Measurement> to_public(const std::optional<ModelMeasurement>& measured) {
  if (!measured) return std::nullopt;
  const TaskResult& result = measured->result;
  const double seconds = result.seconds > 0 ? result.seconds : 1;
  return Measurement{.file_bytes = measured->file_bytes,
                     .weight_bytes = measured->weight_bytes,
                     .peak_memory_bytes = measured->peak_memory_bytes,
                     .items_per_second = static_cast<double>(result.items) / seconds,
                     .tokens_per_second = static_cast<double>(result.tokens) / seconds,
                     .metrics = result.metrics};
}

}  // namespace

CompressResult compress(const CompressOptions& options, const Job* job) {
  const StopWatch watch;
  CompressRequest request{
      .model = fetch_model(options.model, {}, job),
      .output = options.output,
      .plan = make_plan(options),
      .calibration = {.texts = options.calibration, .tokens = options.calibration_tokens},
      .task = options.metric,
      .data = {.data = options.data, .context = options.context, .stride = options.stride},
      .budget = options.budget,
      .force = options.force,
      .threads = options.threads};
  if (!options.metric.empty()) {
    find_task(options.metric);
    if (options.data.empty())
      fail(ErrorCode::kUsage, "data", "metric '{}' needs a data set (--data)", options.metric);
  }
  if (options.metric == "kl") request.data.reference = request.model;
  const CompressReport report = compress_model(request, or_default(job));
  CompressResult result;
  if (report.written) result.output = options.output;
  for (const WeightChange& change : report.weights)
    result.tensors.push_back({change.name, change.before, change.after, change.bytes_before,
                              change.bytes_after, change.relative_error, change.sparsity, change.note});
  result.before = to_public(report.before);
  result.after = to_public(report.after);
  result.metric = report.deciding_metric;
  result.loss = report.loss;
  result.budget = report.limit;
  result.budget_unit = report.budget_unit;
  result.within_budget = report.within_budget;
  result.reason = report.reason;
  result.seconds = watch.seconds();
  return result;
}

std::int64_t convert(const std::string& model, const std::string& output, const Job* job) {
  return convert_model(fetch_model(model, {}, job), output, or_default(job));
}

std::int64_t verify_file(const std::string& path, const Job* job) {
  return static_cast<std::int64_t>(verify_native(path, or_default(job)).tensors);
}

}  // namespace swiftlet
