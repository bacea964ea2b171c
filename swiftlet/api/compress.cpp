#include "swiftlet/compress/compress.h"

#include "swiftlet/api/model_impl.h"
#include "swiftlet/compress/search/size_target.h"
#include "swiftlet/core/file.h"
#include "swiftlet/eval/vectors.h"
#include "swiftlet/hub.h"
#include "swiftlet/io/native.h"

namespace swiftlet {
namespace {

constexpr std::size_t kPlanLimit = std::size_t{16} << 20;  // bytes of a plan file

Encoding encoding_of(std::string_view name, int group, bool asymmetric, std::string_view option) {
  const Encoding encoding = writable_encoding(name, option);
  if (!has_group_scales(encoding)) return encoding;
  if (encoding.group != 0 || encoding.asymmetric)
    fail(ErrorCode::kUsage, option, "'{}': groups and offsets are options of their own", name);
  if (group < 0) fail(ErrorCode::kUsage, "group", "must not be negative, is {}", group);
  return {encoding.format, group, asymmetric};
}

// A target chooses the encodings.
void check_target(const CompressOptions& options) {
  if (options.target.empty()) return;
  SizeTarget::parse(options.target);
  const CompressOptions unset;
  if (options.weights != unset.weights || options.group != unset.group || options.asymmetric ||
      !options.embeddings.empty() || !options.rules.empty())
    fail(ErrorCode::kUsage, "target",
         "it chooses the encodings: --weights, --group, --asymmetric, --embeddings and --rule do not go with "
         "it");
}

Plan make_plan(const CompressOptions& options) {
  check_target(options);
  Plan plan;
  plan.weights = encoding_of(options.weights, options.group, options.asymmetric, "weights");
  plan.skip = options.skip;
  if (!options.prune.empty()) plan.prune = parse_pruning(options.prune, options.prune_method);
  plan.method = parse_method(options.method);
  // Tables are looked up row by row, so they lose most by coarse codes: unasked they become int8 with a scale
  // for each row.
  if (!options.embeddings.empty())
    plan.embeddings = encoding_of(options.embeddings, options.group, options.asymmetric, "embeddings");
  else if (!plan.weights.is_integer())
    plan.embeddings = plan.weights;
  const bool grouped =
      has_group_scales(plan.weights) || (!options.embeddings.empty() && has_group_scales(plan.embeddings));
  if (!grouped && (options.group != 0 || options.asymmetric))
    fail(ErrorCode::kUsage, "group", "groups and offsets belong to int8 and int4, not to {}",
         options.weights);
  for (const std::string& rule : options.rules) plan.rules.push_back(parse_rule(rule));
  plan.arithmetic = arithmetic_for(plan, parse_precision(options.activations, "activations"));
  return plan;
}

// A plan file says all that these options say.
Plan read_plan(const CompressOptions& options) {
  const CompressOptions unset;
  const auto given = [](const auto& value, const auto& otherwise, std::string_view option) {
    if (value != otherwise)
      fail(ErrorCode::kUsage, "plan", "a plan file says all of it, so --{} does not go with it", option);
  };
  given(options.weights, unset.weights, "weights");
  given(options.group, unset.group, "group");
  given(options.asymmetric, unset.asymmetric, "asymmetric");
  given(options.activations, unset.activations, "activations");
  given(options.embeddings, unset.embeddings, "embeddings");
  given(options.rules, unset.rules, "rule");
  given(options.skip, unset.skip, "skip");
  given(options.method, unset.method, "method");
  given(options.target, unset.target, "target");
  given(options.prune, unset.prune, "prune");
  given(options.prune_method, unset.prune_method, "prune-method");
  return plan_from_json(read_text_file(options.plan, kPlanLimit), options.plan);
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
      .plan = options.plan.empty() ? make_plan(options) : read_plan(options),
      .calibration = {.texts = options.calibration, .tokens = options.calibration_tokens},
      .target = options.target,
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
  if (report.loss_interval)
    result.loss_interval = ConfidenceInterval{report.loss_interval->low, report.loss_interval->high};
  result.budget_unit = report.budget_unit;
  result.within_budget = report.within_budget;
  result.reason = report.reason;
  result.plan = report.plan;
  for (const SizeLoss& point : report.front) result.front.push_back({point.bytes, point.loss});
  if (report.chosen) result.chosen = FrontPoint{report.chosen->bytes, report.chosen->loss};
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
