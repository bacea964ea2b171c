#include "swiftlet/compress/compress.h"

#include <algorithm>
#include <cmath>

#include "swiftlet/compress/budget.h"
#include "swiftlet/compress/certificate.h"
#include "swiftlet/compress/compress_weight.h"
#include "swiftlet/compress/prune/scores.h"
#include "swiftlet/compress/quantize/layer_by_layer.h"
#include "swiftlet/compress/search/size_target.h"
#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"
#include "swiftlet/core/log.h"
#include "swiftlet/core/mapped_file.h"
#include "swiftlet/core/memory.h"
#include "swiftlet/graph/difference.h"
#include "swiftlet/io/gguf_checkpoint.h"
#include "swiftlet/io/gguf_export.h"
#include "swiftlet/io/gguf_model.h"
#include "swiftlet/io/gguf_vocabulary.h"
#include "swiftlet/io/native.h"
#include "swiftlet/io/transformers_folder.h"
#include "swiftlet/text/gguf_write_tokenizer.h"

namespace swiftlet {
namespace {

namespace fs = std::filesystem;

bool is_native_name(const fs::path& output) {
  return output.extension() == ".swiftlet";
}

bool is_gguf_name(const fs::path& output) {
  return output.extension() == ".gguf";
}

// Whether `path` is the model or, for a folder, one of the files in it; native files that lie there are not
// its own.
bool belongs_to(const fs::path& model, const fs::path& path) {
  const fs::path part = part_of(model, path);
  return part == model || (!part.empty() && !is_native_name(part));
}

void check_output(const fs::path& model, const fs::path& output) {
  std::error_code ignored;
  const fs::file_status status = fs::status(output, ignored);
  const bool file = is_native_name(output) || is_gguf_name(output);
  const std::string extension = output.extension().string();
  for (const char* other : {".onnx", ".safetensors", ".bin", ".pt", ".npz"})
    if (extension == other)
      fail(ErrorCode::kUnsupported, output.string(),
           "{} files cannot be written: expected name.swiftlet, name.gguf, or a folder", extension);
  for (const fs::path& written : {output, output / "model.safetensors", output / "config.json"})
    if (belongs_to(model, written))
      fail(ErrorCode::kUsage, output.string(), "the output would replace the model that is read");
  if (file && fs::is_directory(status)) fail(ErrorCode::kIo, output.string(), "is a folder, not a file");
  if (file && fs::exists(status) && !fs::is_regular_file(status))
    fail(ErrorCode::kIo, output.string(), "is not a regular file");
  if (!file && fs::exists(status) && !fs::is_directory(status))
    fail(ErrorCode::kIo, output.string(),
         "is a file: expected a folder, or a name that ends in .swiftlet or .gguf");
}

// A GGUF file says with a handful of keys what a config.json says at length; whether that was all is seen in
// the model that is built from it.
void check_same_graph(const models::BuiltModel& built, const fs::path& written, const std::string& where) {
  const Checkpoint again = load_gguf(written, {.check_memory = false, .stream = true});
  constexpr double kTolerance = 1e-6;  // its numbers are f32
  const auto difference = first_difference(built.graph, models::build_model(again).graph, kTolerance);
  if (difference)
    fail(ErrorCode::kUnsupported, where, "GGUF cannot say all of this model: \"{}\" would be read as \"{}\"",
         difference->first, difference->second);
}

void check_head(const Checkpoint& checkpoint, const models::Head& head) {
  if (head.task != models::Task::kSequence || find_gguf_architecture(checkpoint).head_root.empty())
    fail(ErrorCode::kUnsupported, checkpoint.source, "this model's head ({}) cannot be written to GGUF",
         models::to_string(head.task));
}

// The keys of the tokenizer and of conversations.
GgufMetadata tokenizer_keys(const Checkpoint& checkpoint) {
  GgufMetadata keys;
  if (checkpoint.tokenizer.gguf != nullptr) {
    keys.copy(*checkpoint.tokenizer.gguf, "tokenizer.");
    return keys;
  }
  if (checkpoint.tokenizer.kind == TokenizerKind::kNone) {
    keys.text("tokenizer.ggml.model", "no_vocab");
  } else {
    const Tokenizer tokenizer = Tokenizer::from_source(checkpoint.tokenizer);
    keys = text::gguf_tokenizer_keys(tokenizer, checkpoint.config.int_or("vocab_size", 0, 0, 1 << 24),
                                     checkpoint.tokenizer.where);
  }
  // What a tokenizer does not know of its roles, the model may.
  const auto role = [&](std::string_view key, std::optional<std::int64_t> id) {
    if (id && !keys.has(key)) keys.u32(key, *id);
  };
  const auto& ends = checkpoint.generation.eos_token_ids;
  role("tokenizer.ggml.bos_token_id", checkpoint.generation.bos_token_id);
  role("tokenizer.ggml.eos_token_id", ends.empty() ? std::nullopt : std::optional(ends.front()));
  role("tokenizer.ggml.padding_token_id", checkpoint.generation.pad_token_id);
  if (const std::int64_t types = checkpoint.config.int_or("type_vocab_size", 0, 0, 1 << 24); types > 0)
    keys.u32("tokenizer.ggml.token_type_count", types);
  if (!checkpoint.chat_template.empty()) keys.text(kGgufTemplateKey, checkpoint.chat_template);
  std::vector<std::string> names;
  for (const auto& [name, text] : checkpoint.named_templates) {
    keys.text(fmt::format("{}.{}", kGgufTemplateKey, name), text);
    names.push_back(name);
  }
  if (!names.empty()) keys.texts("tokenizer.chat_templates", names);
  return keys;
}

Buffer buffer_of(std::string text) {
  auto owner = std::make_shared<const std::string>(std::move(text));
  return Buffer::borrowed(owner, reinterpret_cast<const std::byte*>(owner->data()), owner->size());
}

// A native file carries its tokenizer as tokenizer.json text, whatever it was loaded from, and as tables.
void embed_tokenizer(Checkpoint& checkpoint) {
  TokenizerSource& source = checkpoint.tokenizer;
  if (source.kind == TokenizerKind::kNone) return;
  const Tokenizer tokenizer = Tokenizer::from_source(source);
  source.tables = buffer_of(tokenizer.tables());
  if (source.kind != TokenizerKind::kTokenizerJson || tokenizer.serialized() != source.text())
    source.bytes = buffer_of(tokenizer.serialized());
  if (!tokenizer.config().empty()) source.config = Config::parse(tokenizer.config(), source.where);
  source.kind = TokenizerKind::kTokenizerJson;
  source.files.clear();
}

NativeWeight describe(const Weight& weight, const PlannedWeight& planned) {
  if (!planned.change) return swiftlet::describe(weight);
  return {.name = weight.name,
          .shape = weight.shape,
          .encoding = planned.encoding,
          .layout = Layout::kPanels,
          .arithmetic = planned.arithmetic};
}

// A model whose weights are taken one after the other. A native file's hashes are checked first, or damage
// would get good ones in the new file.
Checkpoint open_source(const fs::path& model, const Job& job) {
  Checkpoint checkpoint = load_checkpoint(model, {.check_memory = false, .stream = true});
  if (is_native_name(model)) verify_native(model, job);
  embed_tokenizer(checkpoint);
  return checkpoint;
}

// Rounding twice would lose more than the certificate tells, so what is quantized stays as it is.
void check_quantized(const std::vector<PlannedWeight>& planned, const std::string& source) {
  const auto quantized = std::count_if(planned.begin(), planned.end(), [](const PlannedWeight& weight) {
    return weight.note == kAlreadyQuantized;
  });
  if (quantized == 0) return;
  const bool left =
      std::any_of(planned.begin(), planned.end(), [](const PlannedWeight& weight) { return weight.change; });
  if (!left)
    fail(ErrorCode::kUsage, source, "is quantized already ({} weights): compress the original instead",
         quantized);
  warn("{}: {} weights are quantized already and stay as they are", source, quantized);
}

// Whether weights are compressed layer by layer, on what the layers see of calibration texts.
bool walks_layers(const CompressRequest& request) {
  return !request.calibration.texts.empty() &&
         (request.plan.method != Method{} || needs_calibration(request.plan));
}

// The source while its weights are taken one after the other.
struct Source {
  Checkpoint checkpoint;
  models::BuiltModel built;
  std::vector<PlannedWeight> planned;

  Source(const CompressRequest& request, const Job& job)
      : checkpoint(open_source(request.model, job)), built(models::build_model(checkpoint)) {
    resolve(request);
    check_quantized(planned, checkpoint.source);
    checkpoint.certificate.clear();
  }
  // Anew, where the plan has changed.
  void resolve(const CompressRequest& request) {
    planned = resolve_plan(request.plan, built, checkpoint);
    if (walks_layers(request)) planned = in_order_of_layers(request.plan, std::move(planned), built.graph);
    checkpoint.plan = plan_to_json(request.plan);
  }
  std::vector<NativeWeight> descriptions() const {
    std::vector<NativeWeight> list;
    for (const PlannedWeight& weight : planned)
      list.push_back(describe(checkpoint.weight(weight.name), weight));
    return list;
  }
};

QuantizedWeight compressed_or_kept(const Weight& weight, const Plan& plan, const PlannedWeight& planned,
                                   Dense& dense) {
  if (!planned.change) return {.weight = weight};
  try {
    return compress_weight(dense, plan, planned, weight, {});
  } catch (const Error&) {
    check_mapped(weight);  // the truer reason, where it is one
    throw;
  }
}

// A vector that carries factors is not kept after all.
std::string note_of(const PlannedWeight& planned, const QuantizedWeight& after) {
  if (after.note.empty()) return planned.note;
  if (!planned.change) return after.note;
  PlannedWeight noted = planned;
  add_note(noted, after.note);
  return noted.note;
}

// Writes the compressed weights one by one and reports what happened to each.
void write_weights(NativeWriter& writer, const Source& source, const CompressRequest& request,
                   const std::optional<Samples>& samples, std::shared_ptr<ThreadPool> pool,
                   CompressReport& report, const Job& job) {
  const auto take = [&](const PlannedWeight& plan, const Weight& before, const QuantizedWeight& after) {
    check_mapped(before);
    writer.write(after.weight);
    report.weights.push_back({.name = plan.name,
                              .before = to_string(before.encoding),
                              .after = to_string(after.weight.encoding),
                              .bytes_before = before.bytes(),
                              .bytes_after = after.weight.bytes(),
                              .relative_error = after.relative_error,
                              .sparsity = plan.prune ? share_of_zeros(after.weight, *pool) : 0,
                              .note = note_of(plan, after)});
    release_mapped(before);
  };
  if (walks_layers(request))
    return quantize_by_layers(source.checkpoint, source.built.graph, request.plan, source.planned, *samples,
                              pool, take, job);
  Dense dense(*pool);
  const auto count = static_cast<std::int64_t>(source.planned.size());
  for (const PlannedWeight& plan : source.planned) {
    job.step("quantize", static_cast<std::int64_t>(report.weights.size()), count);
    const Weight weight = source.checkpoint.with_bytes(plan.name);
    take(plan, weight, compressed_or_kept(weight, request.plan, plan, dense));
  }
  job.step("quantize", count, count);
}

// What a native file holds beside its weights: the tokenizer, and some lines of JSON.
std::int64_t bytes_beside_weights(const Source& source) {
  constexpr std::int64_t kOfEach = 512, kOfAll = 64 << 10;
  const TokenizerSource& tokenizer = source.checkpoint.tokenizer;
  return static_cast<std::int64_t>(tokenizer.bytes.size() + tokenizer.tables.size()) +
         kOfEach * static_cast<std::int64_t>(source.planned.size()) + kOfAll;
}

// Adds rules to the plan, with which the file is as small as the target asks. Where none are, the report says
// so.
void search_rules(Source& source, CompressRequest& request, const Samples& samples,
                  std::shared_ptr<ThreadPool> pool, CompressReport& report, const Job& job) {
  const std::int64_t limit = SizeTarget::parse(request.target).limit(model_file_bytes(request.model));
  const std::int64_t beside = bytes_beside_weights(source);
  BitSearch found = search_bits(source.checkpoint, source.built, request.plan, source.planned, samples,
                                limit - beside, std::move(pool), job);
  report.front = std::move(found.front);
  report.chosen = found.chosen;
  if (!found.rules) {
    report.within_budget = false;
    report.reason = fmt::format("{} wants {:.4g} MB; the smallest that is reached is {:.4g} MB",
                                request.target, static_cast<double>(limit) / 1e6,
                                static_cast<double>(report.front.back().bytes + beside) / 1e6);
    return;
  }
  request.plan.rules = std::move(*found.rules);
  source.resolve(request);
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

void check_calibration(const CompressRequest& request) {
  const Plan& plan = request.plan;
  const bool given = !request.calibration.texts.empty();
  if (!given && needs_calibration(plan))
    fail(
        ErrorCode::kUsage, "calibration", "method {} looks at sample texts (--calibration)",
        needs_calibration(plan.method) ? to_string(plan.method) : std::string(to_string(plan.prune->method)));
  if (!given && !request.target.empty())
    fail(ErrorCode::kUsage, "calibration", "a target is searched on sample texts (--calibration)");
  if (given && request.target.empty() && !walks_layers(request))
    fail(ErrorCode::kUsage, "calibration",
         "rounding to nearest looks at no texts: it goes with another method (--method)");
}

void check_budget(const CompressRequest& request) {
  if (Budget::parse(request.budget).relative && request.task == "kl")
    fail(ErrorCode::kUsage, "budget",
         "what kl is before compression is rounding alone, and {} of it means nothing; give nats, like 0.05",
         request.budget);
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
    report.reason = fmt::format("{} went from {:.5g} to {:.5g}: a loss of {:.3g} {}, the budget is {:.3g} {}",
                                task.deciding_metric, before, after, report.loss, report.budget_unit,
                                budget.limit, report.budget_unit);
  const TaskResult &original = report.before->result, &compressed = report.after->result;
  if (!std::isfinite(before) || !std::isfinite(after)) return;
  report.interval_before = interval_of(original);
  report.interval_after = interval_of(compressed);
  report.loss_interval = interval_of(
      original, compressed, [&](double first, double second) { return budget.loss(task, first, second); });
}

}  // namespace

std::int64_t model_file_bytes(const fs::path& model) {
  const bool folder = fs::is_directory(model);
  // A GGUF model may lie in several files.
  const std::vector<fs::path> files = folder ? files_in(model) : gguf_parts(model);
  const bool safetensors = std::any_of(
      files.begin(), files.end(), [](const fs::path& path) { return path.extension() == ".safetensors"; });
  const auto is_part = [&](const fs::path& path) {
    const auto name = path.filename(), extension = path.extension();
    return extension == ".safetensors" || extension == ".gguf" || extension == ".json" ||
           extension == ".model" || name == "vocab.txt" || name == "merges.txt" ||
           (!safetensors && extension == ".bin");  // often both lie there, and one is read
  };
  std::int64_t sum = 0;
  for (const fs::path& path : files) {
    if (folder && !is_part(path)) continue;
    std::error_code error;
    const std::uintmax_t bytes = fs::file_size(path, error);
    if (error) fail(ErrorCode::kIo, path.string(), "cannot be looked at: {}", error.message());
    sum += static_cast<std::int64_t>(bytes);
  }
  return sum;
}

CompressReport compress_model(const CompressRequest& asked, const Job& job) {
  CompressRequest request = asked;
  if (!is_native_name(request.output))
    fail(ErrorCode::kUsage, request.output.string(), "the output must be named *.swiftlet");
  check_output(request.model, request.output);
  if (request.task.empty() && !request.budget.empty())
    fail(ErrorCode::kUsage, "budget", "needs a metric to be measured (--metric and --data)");
  check_calibration(request);
  CompressReport report;
  // What can be wrong, before the long work.
  if (!request.budget.empty()) check_budget(request);
  Source source(request, job);
  std::optional<Samples> samples;
  if (!request.calibration.texts.empty()) {
    samples = read_samples(source.checkpoint, source.built, request.calibration);
    report.calibration_tokens = samples->tokens;
  }
  if (!request.task.empty()) report.before = measure(request.model, load_original, request, job);
  const SourceHashes hashes = hash_sources(request, job);
  const auto pool = std::make_shared<ThreadPool>(request.threads);
  if (!request.target.empty()) {
    search_rules(source, request, *samples, pool, report, job);
    if (!report.within_budget) return report;
  }
  report.plan = source.checkpoint.plan;
  NativeWriter writer(request.output, source.checkpoint, source.descriptions(),
                      room_for_certificate(request, hashes, report));
  write_weights(writer, source, request, samples, pool, report, job);
  writer.seal();
  if (!request.task.empty()) {
    report.after = measure(writer.aside(), load_native, request, job);
    judge(report, request);
  }
  if (!report.within_budget && !request.force) return report;
  writer.commit(make_certificate(request, hashes, report));
  report.written = true;
  return report;
}

std::int64_t convert_model(const fs::path& model, const fs::path& output, const Job& job) {
  check_output(model, output);
  const Checkpoint checkpoint = open_source(model, job);
  const models::BuiltModel built = models::build_model(checkpoint);  // refuses what could not be loaded again
  if (is_gguf_name(output) && built.head) check_head(checkpoint, *built.head);
  if (is_native_name(output))
    write_native(output, checkpoint, job);
  else if (is_gguf_name(output))
    write_gguf(
        output, checkpoint, tokenizer_keys(checkpoint),
        [&](const fs::path& written) { check_same_graph(built, written, output.string()); }, job);
  else
    write_transformers_folder(output, checkpoint, std::nullopt, job);
  return model_file_bytes(output);
}

}  // namespace swiftlet
