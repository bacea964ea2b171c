#include "swiftlet/io/checkpoint.h"

#include <algorithm>
#include <set>
#include <utility>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"
#include "swiftlet/core/log.h"
#include "swiftlet/core/memory.h"
#include "swiftlet/io/adapt_checkpoint.h"
#include "swiftlet/io/checkpoint_parts.h"
#include "swiftlet/io/folder_form.h"
#include "swiftlet/io/gguf_checkpoint.h"
#include "swiftlet/io/llama2c.h"
#include "swiftlet/io/native.h"
#include "swiftlet/io/prequantized.h"
#include "swiftlet/io/stacked_experts.h"
#include "swiftlet/io/tokenizer_source.h"
#include "swiftlet/io/torch_file.h"

namespace swiftlet {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kKnown =
    "a folder with config.json and model.safetensors or pytorch_model.bin, a sentence-transformers folder, "
    "or "
    "a .safetensors, .bin, .pt, .gguf, llama2.c .bin or .swiftlet file";

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// Why a folder without safetensors cannot be loaded, as exactly as its files tell.
[[noreturn]] void fail_folder(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto extension = entry.path().extension();
    if (extension == ".onnx")
      fail(ErrorCode::kUnsupported, folder.string(), "holds {}: onnx files are not supported yet",
           entry.path().filename().string());
  }
  fail(ErrorCode::kNotFound, folder.string(), "has no {}: expected {}",
       is_there(folder / "config.json") ? "model.safetensors" : "config.json or modules.json", kKnown);
}

Checkpoint load_transformers(const fs::path& folder, const std::vector<TensorFile>& files,
                             const CheckpointOptions& options) {
  if (files.empty()) fail_folder(folder);
  Checkpoint checkpoint;
  checkpoint.source = folder.string();
  checkpoint.format = files.front().where.ends_with(".safetensors") ? "safetensors" : "torch";
  checkpoint.config = Config::load(folder / "config.json");
  std::uint64_t bytes = 0;  // before any copy
  for (const auto& file : files)
    for (const auto& entry : file.entries) bytes += entry.size();
  if (options.check_memory) check_fits(checkpoint.source, bytes);
  for (const auto& file : files) add_tensors(checkpoint, file, options.stream);
  join_quantized(checkpoint, options.stream);
  widen_float8(checkpoint, options.stream);
  take_text_model(checkpoint);
  settle_tied_head(checkpoint);
  leave_folder_form(checkpoint, options.stream);
  split_stacked_experts(checkpoint, options.stream);
  checkpoint.tokenizer = find_tokenizer(folder);
  checkpoint.generation = read_generation(folder, checkpoint.config);
  checkpoint.chat_template = read_chat_template(folder, checkpoint.tokenizer.config);
  checkpoint.named_templates = read_named_templates(folder, checkpoint.tokenizer.config);
  return checkpoint;
}

// The width of the model under the names that configs have for it, against what its pooling expects.
void check_dimension(const Config& config, std::int64_t expected) {
  if (expected == 0) return;
  for (const char* key : {"hidden_size", "dim", "n_embd", "d_model"}) {
    if (!config.has(key)) continue;
    const std::int64_t width = config.require_int(key);
    require(width == expected, fmt::format("{}: {}", config.where(), key),
            "is {}, but word_embedding_dimension of the pooling is {}", width, expected);
    return;
  }
}

// The one GGUF model of a folder that has no weights beside it: folders of the hub hold one in each of many
// encodings, of which the user must choose.
std::optional<fs::path> only_gguf(const fs::path& folder) {
  if (find_weights(folder)) return {};
  std::set<fs::path> models;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".gguf") models.insert(gguf_parts(entry.path()).front());
  if (models.size() > 1)
    fail(ErrorCode::kUsage, folder.string(), "holds {} GGUF models, {} among them: name the file",
         models.size(), models.begin()->filename().string());
  return models.empty() ? std::nullopt : std::optional(*models.begin());
}

Checkpoint load_folder(const fs::path& folder, const CheckpointOptions& options) {
  if (is_there(folder / "modules.json")) {
    SentenceModules modules = read_sentence_modules(folder);
    Checkpoint checkpoint =
        load_transformers(modules.transformer, open_weights(modules.transformer), options);
    // Old folders keep the tokenizer in the root although the weights lie in 0_Transformer.
    if (checkpoint.tokenizer.kind == TokenizerKind::kNone) checkpoint.tokenizer = find_tokenizer(folder);
    checkpoint.source = folder.string();
    check_dimension(checkpoint.config, modules.dimension);
    for (const SentenceLayer& layer : modules.rest.layers)
      if (layer.kind != SentenceLayer::Kind::kNormalize) add_layer(checkpoint, folder, layer, options.stream);
    checkpoint.sentence_transformer = std::move(modules.rest);
    return checkpoint;
  }
  if (const auto gguf = only_gguf(folder)) return load_gguf(*gguf, options);
  if (!is_there(folder / "config.json")) fail_folder(folder);
  return load_transformers(folder, open_weights(folder), options);
}

// A native file runs from its mapping, so only one that can never be held whole is refused.
Checkpoint load_native_file(const fs::path& path, const CheckpointOptions& options) {
  Checkpoint checkpoint = load_native(path);
  const auto bytes = static_cast<std::uint64_t>(checkpoint.weight_bytes());
  if (options.check_memory && bytes > total_memory_bytes()) check_fits(checkpoint.source, bytes);
  if (options.check_memory && bytes > available_memory_bytes())
    warn("[{}] is larger than the memory that is free: weights will be read from the disk again and again",
         checkpoint.source);
  return checkpoint;
}

// Its weights, the rest from its neighbours.
Checkpoint load_weights_file(const fs::path& path, TensorFile file, const CheckpointOptions& options) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  require(is_there(folder / "config.json"), path.string(),
          "has no config.json beside it, which tells the kind of model");
  Checkpoint checkpoint = load_transformers(folder, {std::move(file)}, options);
  checkpoint.source = path.string();
  return checkpoint;
}

Checkpoint load_safetensors_file(const fs::path& path, const CheckpointOptions& options) {
  const SafetensorsFile file = SafetensorsFile::open(path);
  if (is_native(file)) return load_native_file(path, options);
  return load_weights_file(path, tensors_of(file), options);
}

Checkpoint load_file(const fs::path& path, const CheckpointOptions& options) {
  const auto extension = path.extension();
  if (extension == ".swiftlet") return load_native_file(path, options);
  if (extension == ".safetensors") return load_safetensors_file(path, options);
  if (extension == ".gguf") return load_gguf(path, options);
  if (extension == ".onnx")
    fail(ErrorCode::kUnsupported, path.string(), "onnx files are not supported yet: expected {}", kKnown);
  if (extension == ".pt" || extension == ".pth" || (extension == ".bin" && looks_like_torch(map_file(path))))
    return load_weights_file(path, open_torch_file(path), options);
  if (extension == ".bin") {
    if (options.check_memory) check_fits(path.string(), fs::file_size(path));
    return load_llama2c(path, options.stream);
  }
  if (extension == ".json")
    fail(ErrorCode::kInvalid, path.string(), "is not a model: name its folder instead");
  fail(ErrorCode::kUnsupported, path.string(), "is of no known kind: expected {}", kKnown);
}

}  // namespace

Checkpoint load_checkpoint(const fs::path& path, const CheckpointOptions& options) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    fail(ErrorCode::kNotFound, path.string(), "no such file or folder: expected {}", kKnown);
  }
  if (error) fail(ErrorCode::kIo, path.string(), "cannot be opened: {}", error.message());
  try {
    return fs::is_directory(status) ? load_folder(path, options) : load_file(path, options);
  } catch (const fs::filesystem_error& fault) {
    fail(ErrorCode::kIo, path.string(), "cannot be read: {}", fault.code().message());
  }
}

const Weight* Checkpoint::find(std::string_view name) const {
  const auto found = weights.find(name);
  return found == weights.end() ? nullptr : &found->second;
}

const Weight& Checkpoint::weight(std::string_view name) const {
  const Weight* found = find(name);
  if (found == nullptr)
    fail(ErrorCode::kNotFound, fmt::format("{}: weight '{}'", source, name), "is missing");
  return *found;
}

Weight Checkpoint::with_bytes(std::string_view name) const {
  const Weight& found = weight(name);
  const auto maker = made_weights.find(name);
  return maker == made_weights.end() ? found : maker->second();
}

std::int64_t Checkpoint::weight_bytes() const {
  std::int64_t bytes = 0;
  for (const auto& [name, weight] : weights) bytes += weight.bytes();
  for (const auto& [name, tensor] : tensors) bytes += static_cast<std::int64_t>(tensor.bytes());
  return bytes;
}

std::string_view to_string(TokenizerKind kind) {
  switch (kind) {
    case TokenizerKind::kNone:
      return "none";
    case TokenizerKind::kTokenizerJson:
      return "tokenizer.json";
    case TokenizerKind::kVocabText:
      return "vocab.txt";
    case TokenizerKind::kLlama2c:
      return "llama2.c";
    case TokenizerKind::kVocabMerges:
      return "vocab.json";
    case TokenizerKind::kSentencePiece:
      return "sentencepiece";
    case TokenizerKind::kTiktoken:
      return "tiktoken";
    case TokenizerKind::kGguf:
      return "gguf";
  }
  return "?";
}

std::string_view file_name(TokenizerKind kind) {
  switch (kind) {
    case TokenizerKind::kNone:
    case TokenizerKind::kGguf:
      return "";
    case TokenizerKind::kLlama2c:
      return "tokenizer.bin";
    case TokenizerKind::kSentencePiece:
      return "tokenizer.model";
    case TokenizerKind::kTiktoken:
      return "tokenizer.tiktoken";
    default:
      return to_string(kind);
  }
}

std::string_view to_string(Pooling pooling) {
  switch (pooling) {
    case Pooling::kMean:
      return "mean";
    case Pooling::kCls:
      return "cls";
    case Pooling::kMax:
      return "max";
    case Pooling::kLastToken:
      return "lasttoken";
    case Pooling::kMeanSqrtLength:
      return "mean_sqrt_len_tokens";
    case Pooling::kWeightedMean:
      return "weightedmean";
  }
  return "?";
}

std::string to_string(const std::vector<Pooling>& pooling) {
  std::string text;
  for (const Pooling mode : pooling) text += fmt::format("{}{}", text.empty() ? "" : "+", to_string(mode));
  return text;
}

}  // namespace swiftlet
