#include "swiftlet/compress/compress.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "swiftlet/compress/budget.h"
#include "swiftlet/compress/certificate.h"
#include "swiftlet/compress/quantize/round_to_nearest.h"
#include "swiftlet/core/cpu_info.h"
#include "swiftlet/core/error.h"
#include "swiftlet/io/native.h"
#include "swiftlet/io/transformers_folder.h"

namespace swiftlet {
namespace {

namespace fs = std::filesystem;

// The compressed model before it is judged. Removed with the object; named so that a later run sweeps it
// after a crash.
class Draft {
 public:
  explicit Draft(const fs::path& output) : path_(output) {
    path_ += fmt::format(".draft.{}.tmp", ::getpid());
  }
  ~Draft() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

bool is_native_name(const fs::path& output) {
  return output.extension() == ".swiftlet";
}

void check_output(const fs::path& model, const fs::path& output) {
  std::error_code ignored;
  if (fs::equivalent(model, output, ignored))
    fail(ErrorCode::kUsage, output.string(), "the output would replace the model that is read");
  if (is_native_name(output) && fs::is_directory(output, ignored))
    fail(ErrorCode::kIo, output.string(), "is a folder");
}

// A native file carries its tokenizer as tokenizer.json text, whatever it was loaded from.
void embed_tokenizer(Checkpoint& checkpoint) {
  TokenizerSource& source = checkpoint.tokenizer;
  if (source.kind == TokenizerKind::kNone || source.kind == TokenizerKind::kTokenizerJson) return;
  auto text = std::make_shared<const std::string>(Tokenizer::load(source.where).serialized());
  source.kind = TokenizerKind::kTokenizerJson;
  source.bytes = Buffer::borrowed(text, reinterpret_cast<const std::byte*>(text->data()), text->size());
}

NativeWeight describe(const Weight& weight, const PlannedWeight& planned) {
  if (!planned.change) return swiftlet::describe(weight);
  return {.name = weight.name,
          .shape = weight.shape,
          .encoding = planned.encoding,
          .layout = Layout::kPanels,
          .arithmetic = planned.arithmetic};
}

// Writes the compressed weights one by one and reports what happened to each.
std::vector<WeightChange> write_compressed(const CompressRequest& request, const fs::path& path,
                                           const Job& job) {
  Checkpoint checkpoint = load_checkpoint(request.model);
  embed_tokenizer(checkpoint);
  const models::BuiltModel built = models::build_model(checkpoint);
  const std::vector<PlannedWeight> planned = resolve_plan(request.plan, built, checkpoint);
  std::vector<NativeWeight> descriptions;
  for (const PlannedWeight& weight : planned)
    descriptions.push_back(describe(checkpoint.weight(weight.name), weight));
  checkpoint.plan = plan_to_json(request.plan);
  checkpoint.certificate.clear();
  NativeWriter writer(path, checkpoint, std::move(descriptions));
  std::vector<WeightChange> changes;
  for (const PlannedWeight& plan : planned) {
    job.step("quantize", static_cast<std::int64_t>(changes.size()),
             static_cast<std::int64_t>(planned.size()));
    const Weight& weight = checkpoint.weight(plan.name);
    WeightChange change{.name = plan.name,
                        .before = to_string(weight.encoding),
                        .after = to_string(weight.encoding),
                        .bytes_before = weight.bytes(),
                        .bytes_after = weight.bytes(),
                        .note = plan.note};
    if (plan.change) {
      const QuantizedWeight quantized = round_to_nearest(weight, plan.encoding, plan.arithmetic);
      writer.write(quantized.weight);
      change.after = to_string(plan.encoding);
      change.bytes_after = quantized.weight.bytes();
      change.relative_error = quantized.relative_error;
    } else {
      writer.write(weight);
    }
    changes.push_back(std::move(change));
  }
  writer.commit();
  return changes;
}

using Loader = Checkpoint (*)(const fs::path& path);

Checkpoint load_original(const fs::path& path) {
  return load_checkpoint(path);
}

ModelMeasurement measure(const fs::path& model, Loader load, const CompressRequest& request, const Job& job) {
  const Task& task = find_task(request.task);
  reset_peak_memory();
  ModelMeasurement measurement;
  measurement.file_bytes = model_file_bytes(model);
  const auto loaded = LoadedModel::from_checkpoint(load(model), {.threads = request.threads});
  measurement.weight_bytes = loaded->weights->bytes();
  measurement.result = task.run(loaded, request.data, job);
  measurement.peak_memory_bytes = static_cast<std::int64_t>(peak_memory_bytes());
  return measurement;
}

void judge(CompressReport& report, const CompressRequest& request) {
  const Task& task = find_task(request.task);
  const Budget budget = Budget::parse(request.budget.empty() ? "0" : request.budget);
  report.deciding_metric = task.deciding_metric;
  report.budget_unit = budget.unit(task);
  report.limit = budget.limit;
  const double before = report.before->result.metric(task.deciding_metric);
  const double after = report.after->result.metric(task.deciding_metric);
  report.loss = budget.loss(task, before, after);
  // A metric that is not a number is a broken one, whatever the budget.
  report.within_budget = request.budget.empty() ? after == after : report.loss <= budget.limit;
  if (!report.within_budget)
    report.reason =
        fmt::format("{} went from {:.5g} to {:.5g}: a loss of {:.3g} {}, the budget is {:.3g}",
                    task.deciding_metric, before, after, report.loss, report.budget_unit, budget.limit);
}

void write_certified(const fs::path& draft, const CompressRequest& request, const CompressReport& report) {
  Checkpoint checkpoint = load_native(draft);
  checkpoint.certificate = make_certificate(request, report);
  write_native(request.output, checkpoint);
}

}  // namespace

std::int64_t model_file_bytes(const fs::path& model) {
  if (!fs::is_directory(model)) return static_cast<std::int64_t>(fs::file_size(model));
  std::int64_t sum = 0;
  for (const auto& entry : fs::recursive_directory_iterator(model)) {
    const fs::path& path = entry.path();
    const bool part =
        path.extension() == ".safetensors" || path.extension() == ".json" || path.filename() == "vocab.txt";
    if (entry.is_regular_file() && part) sum += static_cast<std::int64_t>(entry.file_size());
  }
  return sum;
}

CompressReport compress_model(const CompressRequest& request, const Job& job) {
  if (!is_native_name(request.output))
    fail(ErrorCode::kUsage, request.output.string(), "the output must be named *.swiftlet");
  check_output(request.model, request.output);
  if (request.task.empty() && !request.budget.empty())
    fail(ErrorCode::kUsage, "budget", "needs a metric to be measured (--metric and --data)");
  CompressReport report;
  if (!request.budget.empty()) Budget::parse(request.budget);  // before the long work
  if (!request.task.empty()) report.before = measure(request.model, load_original, request, job);
  const Draft draft(request.output);
  report.weights = write_compressed(request, draft.path(), job);
  if (!request.task.empty()) {
    report.after = measure(draft.path(), load_native, request, job);
    judge(report, request);
  }
  if (!report.within_budget && !request.force) return report;
  write_certified(draft.path(), request, report);
  report.written = true;
  return report;
}

std::int64_t convert_model(const fs::path& model, const fs::path& output, const Job& job) {
  check_output(model, output);
  Checkpoint checkpoint = load_checkpoint(model);
  embed_tokenizer(checkpoint);
  models::build_model(checkpoint);  // refuses what could not be loaded again
  job.step("convert", 0, 1);
  if (is_native_name(output))
    write_native(output, checkpoint);
  else
    write_transformers_folder(output, checkpoint);
  return model_file_bytes(output);
}

}  // namespace swiftlet
