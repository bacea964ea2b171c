#include <algorithm>
#include <chrono>

#include "swiftlet/api/model_impl.h"
#include "swiftlet/compress/compress.h"
#include "swiftlet/core/log.h"
#include "swiftlet/core/version.h"
#include "swiftlet/engine/draft_model.h"
#include "swiftlet/eval/reference_check.h"
#include "swiftlet/graph/print.h"
#include "swiftlet/hub.h"
#include "swiftlet/kernels/cuda/devices.h"
#include "swiftlet/runtime/program_plan.h"

namespace swiftlet {
namespace {

void check_device(std::string_view device) {
  if (device == "cpu") return;
  if (device != "cuda") fail(ErrorCode::kUsage, "device", "'{}' is not known; known are cpu, cuda", device);
  if (!kernels::cuda_built())
    fail(ErrorCode::kUnsupported, "device",
         "this build has no CUDA; build with the preset 'cuda', or run on the CPU");
  if (kernels::cuda_devices().empty()) fail(ErrorCode::kUnsupported, "device", "no NVIDIA GPU was found");
  fail(ErrorCode::kUnsupported, "device", "models do not run on NVIDIA GPUs yet; run on the CPU");
}

// A matrix with the arithmetic that it will meet, a table with that of the head that it may also be.
WeightInfo describe_weight(const LoadedModel& model, const Weight& weight) {
  Arithmetic arithmetic = weight.arithmetic;
  if (weight.shape.rank() == 2) {
    const kernels::KernelTable& table = kernels::default_table();
    arithmetic = matrix_form(weight, model.options.precision, table).arithmetic;
  }
  return {.name = weight.name,
          .shape = {weight.shape.dims().begin(), weight.shape.dims().end()},
          .encoding = to_string(weight.encoding),
          .arithmetic = std::string(to_string(arithmetic)),
          .bytes = weight.bytes()};
}

// A precision that no matrix can take would pass in silence.
void warn_of_precision(const LoadedModel& model) {
  const auto precision = model.options.precision;
  if (!precision) return;
  const kernels::KernelTable& table = kernels::default_table();
  for (const std::string& name : model.weights->names()) {
    const Weight weight = model.weights->get(name);
    if (weight.shape.rank() == 2 && matrix_form(weight, precision, table).wanted == *precision) return;
  }
  warn("{}: precision {} changes nothing: its weights are quantized and take f32 or int8",
       model.checkpoint.source, to_string(*precision));
}

std::optional<DType> parse_cache(std::string_view name) {
  if (name.empty()) return std::nullopt;
  if (name == "f32") return DType::kF32;
  if (name == "bf16") return DType::kBF16;
  if (name == "int8") return DType::kI8;
  fail(ErrorCode::kUsage, "cache", "'{}' is not known; known are f32, bf16, int8", name);
}

// On the threads of its target, which waits meanwhile.
std::shared_ptr<LoadedModel> load_draft(const LoadOptions& options, const LoadedModel& target) {
  auto draft = LoadedModel::load(
      fetch_model(options.draft_model),
      {.precision = target.options.precision, .cache = target.options.cache, .pool = target.pool});
  check_draft_vocabulary(*draft, target);
  return draft;
}

}  // namespace

std::string version() {
  return std::string(kVersion);
}

std::optional<Arithmetic> parse_precision(std::string_view name, std::string_view where) {
  if (name.empty()) return std::nullopt;
  const auto precision = parse_arithmetic(name);
  if (!precision) fail(ErrorCode::kUsage, where, "'{}' is not known; known are f32, bf16, int8", name);
  return precision;
}

const Job& or_default(const Job* job) {
  static const Job nothing;
  return job != nullptr ? *job : nothing;
}

Turns::Turn::Turn(Turns& turns) : turns_(turns) {
  const auto self = std::this_thread::get_id();
  if (turns_.holder_.load(std::memory_order_relaxed) == self)
    fail(ErrorCode::kUsage, "model", "is busy with the call whose callback calls it again");
  turns_.mutex_.lock();
  turns_.holder_.store(self, std::memory_order_relaxed);
}

Turns::Turn::~Turn() {
  turns_.holder_.store({}, std::memory_order_relaxed);
  turns_.mutex_.unlock();
}

Encoder& Model::Impl::require_encoder() {
  if (!encoder) encoder.emplace(loaded);
  return *encoder;
}

Model::Model(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;
Model::~Model() = default;

Model Model::load(const std::string& path, const LoadOptions& options) {
  check_device(options.device);
  if (options.threads < 0) fail(ErrorCode::kUsage, "threads", "must not be negative, is {}", options.threads);
  const auto begin = std::chrono::steady_clock::now();
  auto impl = std::make_unique<Impl>();
  impl->path = fetch_model(path);
  impl->loaded = LoadedModel::load(impl->path, ModelOptions{.precision = parse_precision(options.precision),
                                                            .cache = parse_cache(options.cache),
                                                            .threads = options.threads,
                                                            .table = nullptr,
                                                            .pool = nullptr});
  if (!options.cache.empty() && impl->loaded->built.kind != models::Kind::kDecoder)
    fail(ErrorCode::kUsage, "cache", "{} is an encoder: it keeps no keys and values", path);
  if (!options.draft_model.empty()) impl->draft = load_draft(options, *impl->loaded);
  warn_of_precision(*impl->loaded);
  impl->load_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return Model(std::move(impl));
}

ModelInfo Model::info() const {
  const LoadedModel& loaded = *impl_->loaded;
  const Checkpoint& checkpoint = loaded.checkpoint;
  ModelInfo info;
  info.source = checkpoint.source;
  info.format = checkpoint.format;
  info.model_type = checkpoint.config.require_string("model_type");
  info.kind = loaded.built.kind == models::Kind::kDecoder ? "decoder" : "encoder";
  info.layers = loaded.built.layers;
  info.hidden_size = loaded.built.hidden_size;
  info.vocab_size = loaded.built.vocab_size;
  info.max_positions = loaded.built.max_positions;
  info.file_bytes = model_file_bytes(impl_->path);
  if (checkpoint.sentence_transformer) info.pooling = to_string(checkpoint.sentence_transformer->pooling);
  const HeadInfo own = head();
  info.head = own.task;
  info.labels = own.labels;
  if (loaded.tokenizer) info.tokenizer = to_string(checkpoint.tokenizer.kind);
  for (const std::string& name : loaded.weights->names()) {
    const Weight weight = loaded.weights->get(name);
    info.parameters += weight.shape.elements();
    info.weight_bytes += weight.bytes();
    info.weights.push_back(describe_weight(loaded, weight));
  }
  info.plan_json = checkpoint.plan;
  info.certificate_json = checkpoint.certificate;
  return info;
}

std::string Model::graph(std::string_view format, bool lowered) const {
  if (format != "text" && format != "dot")
    fail(ErrorCode::kUsage, "format", "'{}' is not known; known are text, dot", format);
  const LoadedModel& loaded = *impl_->loaded;
  const bool decoder = loaded.built.kind == models::Kind::kDecoder;
  const Graph graph = lowered ? lowered_graph(loaded.built.graph, *loaded.weights,
                                              {.precision = loaded.options.precision, .paged_cache = decoder})
                              : loaded.built.graph;
  return format == "dot" ? to_graphviz(graph) : to_text(graph);
}

PlanInfo Model::plan() const {
  const LoadedModel& loaded = *impl_->loaded;
  const bool decoder = loaded.built.kind == models::Kind::kDecoder;
  const auto program = decoder ? engine_program(loaded, {.max_sequences = 1}) : encoder_program(loaded);
  ProgramPlan plan = plan_of(*program, *loaded.weights);
  PlanInfo info{.max_tokens = program->maxima[program->symbol("tokens")],
                .arena_bytes = plan.arena_bytes,
                .unshared_bytes = plan.unshared_bytes,
                .workspace_bytes = plan.workspace_bytes,
                .weight_bytes = plan.weight_bytes,
                .pack_bytes = plan.pack_bytes};
  for (ProgramPlan::KernelPlan& kernel : plan.kernels) {
    info.kernels.push_back({.name = std::move(kernel.name),
                            .op = std::move(kernel.op),
                            .arithmetic = std::string(to_string(kernel.arithmetic)),
                            .weight_bytes = kernel.weight_bytes,
                            .workspace_bytes = kernel.workspace_bytes});
    for (ProgramPlan::Output& output : kernel.outputs)
      info.kernels.back().outputs.push_back(
          {std::move(output.name), std::move(output.type), output.offset, output.bytes});
  }
  return info;
}

std::vector<ReferenceDifference> Model::check(const std::string& reference) const {
  return check_reference(*impl_->loaded, reference);
}

std::vector<std::int32_t> Model::tokenize(std::string_view text, bool special_tokens) const {
  return impl_->loaded->require_tokenizer().encode(text, {.add_special = special_tokens}).ids;
}

std::string Model::detokenize(const std::vector<std::int32_t>& ids, bool skip_special) const {
  return impl_->loaded->require_tokenizer().decode(ids, {.skip_special = skip_special});
}

std::vector<std::string> Model::chat_templates() const {
  std::vector<std::string> names;
  for (const auto& [name, text] : impl_->loaded->checkpoint.named_templates) names.push_back(name);
  return names;
}

std::vector<std::pair<std::string, std::string>> Model::prompts() const {
  const auto& sentence = impl_->loaded->checkpoint.sentence_transformer;
  if (!sentence) return {};
  return {sentence->prompts.begin(), sentence->prompts.end()};
}

Embeddings Model::embed(const std::vector<std::string>& texts, const Job* job, std::string_view prompt) {
  const Turns::Turn turn(impl_->turns);
  Encoder& encoder = impl_->require_encoder();
  Embeddings embeddings;
  embeddings.values = encoder.embed(texts, or_default(job), prompt);
  embeddings.cut = encoder.texts_cut();
  impl_->embedded_tokens = encoder.tokens_processed();
  embeddings.rows = static_cast<std::int64_t>(texts.size());
  embeddings.columns = encoder.width();
  return embeddings;
}

std::int64_t Model::embedded_tokens() const {
  return impl_->embedded_tokens;
}

}  // namespace swiftlet
