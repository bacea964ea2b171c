#include "swiftlet/io/transformers_folder.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"
#include "swiftlet/core/mapped_file.h"
#include "swiftlet/io/checkpoint_parts.h"
#include "swiftlet/io/folder_form.h"
#include "swiftlet/io/safetensors.h"
#include "swiftlet/io/stacked_experts.h"

namespace swiftlet {
namespace {

namespace fs = std::filesystem;

// What transformers, sentence-transformers and load_checkpoint look for, beside config.json and
// model.safetensors.
constexpr const char* kReadNames[] = {"generation_config.json",
                                      "tokenizer.json",
                                      "tokenizer_config.json",
                                      "special_tokens_map.json",
                                      "added_tokens.json",
                                      "vocab.txt",
                                      "vocab.json",
                                      "merges.txt",
                                      "tokenizer.model",
                                      "spiece.model",
                                      "sentencepiece.bpe.model",
                                      "tokenizer.bin",
                                      "chat_template.jinja",
                                      "modules.json",
                                      "config_sentence_transformers.json",
                                      "model.safetensors.index.json",
                                      "adapter_config.json"};

// The small files of a folder, each written aside until all are there, weights included.
class SmallFiles {
 public:
  explicit SmallFiles(fs::path folder) : folder_(std::move(folder)) { make_folder(folder_); }

  void bytes(std::string_view name, std::span<const std::byte> bytes) {
    if (fs::path(name).has_parent_path()) make_folder(folder_ / fs::path(name).parent_path());
    names_.emplace(name);
    files_.push_back(std::make_unique<OutputFile>(folder_ / name));
    files_.back()->write(bytes);
  }
  void json(std::string_view name, const nlohmann::ordered_json& json) {
    const std::string text = json.dump(2) + "\n";
    bytes(name, std::as_bytes(std::span(text.data(), text.size())));
  }
  void tensors(const std::string& name, const std::vector<SafetensorsDeclaration>& declared,
               const std::vector<Weight>& weights) {
    if (fs::path(name).has_parent_path()) make_folder(folder_ / fs::path(name).parent_path());
    weights_.push_back(
        std::make_unique<SafetensorsWriter>(folder_ / name, declared, SafetensorsMetadata{{"format", "pt"}}));
    for (std::size_t i = 0; i < weights.size(); ++i)
      weights_.back()->write(declared[i].name, weights[i].codes.bytes());
  }
  // Nothing that readers of such folders would take for a part of this model may stand there.
  void check_strangers() const {
    std::error_code ignored;
    for (const char* name : kReadNames)
      if (!names_.contains(name) && fs::exists(folder_ / name, ignored))
        fail(ErrorCode::kUsage, (folder_ / name).string(),
             "is of another model and would be read with this one: take an empty folder, or remove it");
  }
  void commit() {
    for (const auto& file : files_) file->commit();
    for (const auto& file : weights_) file->commit();
  }

 private:
  fs::path folder_;
  std::set<std::string, std::less<>> names_;
  std::vector<std::unique_ptr<OutputFile>> files_;
  std::vector<std::unique_ptr<SafetensorsWriter>> weights_;
};

DType dtype_of(Format format) {
  return format == Format::kF16 ? DType::kF16 : format == Format::kBF16 ? DType::kBF16 : DType::kF32;
}

Format format_in_folder(const Weight& weight, std::optional<Format> wanted) {
  if (wanted) return *wanted;
  return weight.encoding.is_integer() ? Format::kF32 : weight.encoding.format;
}

// The weight as row-major floats of `format`: the very bytes where it is so already.
Weight as_rows(const Weight& weight, Format format) {
  if (!weight.encoding.is_integer() && weight.encoding.format == format) return unpack(weight);
  Weight rows = weight_from_tensor(weight.name, Tensor::from(decode(weight), weight.shape));
  if (format == Format::kF32 || weight.shape.elements() == 0) return rows;
  // encode() makes panels of matrices only: a vector goes through it as a matrix of one row.
  const std::int64_t k = weight.shape.rank() == 0 ? 1 : weight.shape[-1];
  rows.shape = Shape({weight.shape.elements() / k, k});
  rows = unpack(encode(rows, {format}));
  rows.shape = weight.shape;
  return rows;
}

// Writes a weight some rows at a time, so that what is decoded stays small beside the weight.
void append_rows(SafetensorsWriter& writer, const Weight& weight, Format format) {
  constexpr std::int64_t kPiece = std::int64_t{1} << 20;  // elements
  const bool as_it_is = weight.layout == Layout::kRows && weight.encoding.format == format;
  if (as_it_is || weight.shape.rank() < 2 || weight.shape.elements() <= kPiece)
    return writer.append(as_rows(weight, format).codes.bytes());
  const std::int64_t rows = weight.shape[0], k = weight.shape.elements() / rows;
  const std::int64_t step = std::max<std::int64_t>(kPiece / k / kPanelRows, 1) * kPanelRows;
  for (std::int64_t row = 0; row < rows; row += step) {
    Weight slice = slice_rows(weight, row, std::min(row + step, rows));
    if (row > 0) slice.name += fmt::format(", counted from row {}", row);  // for errors that tell a row
    writer.append(as_rows(slice, format).codes.bytes());
  }
}

// The module behind the pooling that a weight is of; null for those of the transformer.
const SentenceLayer* layer_of(const Checkpoint& checkpoint, std::string_view weight) {
  if (checkpoint.sentence_transformer)
    for (const SentenceLayer& layer : checkpoint.sentence_transformer->layers)
      if (!layer.name.empty() && weight.starts_with(layer.name + ".")) return &layer;
  return nullptr;
}

// Eight-byte integers, four-byte floats, ...: no tensor is left unaligned by an odd one before it.
std::vector<SafetensorsDeclaration> declare(const Checkpoint& checkpoint, std::optional<Format> format) {
  std::vector<SafetensorsDeclaration> tensors;
  for (const std::size_t size : {8U, 4U, 2U, 1U}) {
    for (const auto& [name, tensor] : checkpoint.tensors)
      if (dtype_size(tensor.dtype()) == size) tensors.push_back({name, tensor.dtype(), tensor.shape()});
    for (const auto& [name, weight] : checkpoint.weights) {
      const DType dtype = dtype_of(format_in_folder(weight, format));
      if (dtype_size(dtype) != size || layer_of(checkpoint, name) != nullptr) continue;
      tensors.push_back({name, dtype, folder_shape(checkpoint.config, weight)});
    }
  }
  return tensors;
}

void write_weights(SafetensorsWriter& writer, const std::vector<SafetensorsDeclaration>& tensors,
                   const Checkpoint& checkpoint, std::optional<Format> format, const Job& job) {
  const auto count = static_cast<std::int64_t>(tensors.size());
  for (std::int64_t done = 0; const auto& declared : tensors) {
    job.step("convert", done++, count);
    writer.begin(declared.name);
    const auto tensor = checkpoint.tensors.find(declared.name);
    if (tensor != checkpoint.tensors.end()) {
      writer.append(tensor->second.buffer().bytes());
      check_mapped(tensor->second.buffer().bytes());
      continue;
    }
    const Weight weight = checkpoint.with_bytes(declared.name);
    if (has_folder_form(checkpoint.config, declared.name) && weight.shape.rank() == 2)
      writer.append(
          folder_form(checkpoint.config, as_rows(weight, format_in_folder(weight, format))).codes.bytes());
    else
      append_rows(writer, weight, format_in_folder(weight, format));
    check_mapped(weight);
    release_mapped(weight);
  }
  job.step("convert", count, count);
}

std::string_view torch_name(Format format) {
  return format == Format::kF16 ? "float16" : format == Format::kBF16 ? "bfloat16" : "float32";
}

// config.json, whose dtype must tell what model.safetensors holds.
nlohmann::ordered_json config_json(const Checkpoint& checkpoint, std::optional<Format> format) {
  nlohmann::ordered_json json = checkpoint.config.json();
  Format widest = format.value_or(Format::kBF16);
  for (const auto& [name, weight] : checkpoint.weights) {
    const Format own = format_in_folder(weight, format);
    if (own == Format::kF32 || (own == Format::kF16 && widest == Format::kBF16)) widest = own;
  }
  json.erase("dtype");
  json["torch_dtype"] = torch_name(widest);  // every version of transformers knows this key
  return json;
}

nlohmann::ordered_json generation_json(const GenerationConfig& generation) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  const auto& eos = generation.eos_token_ids;
  if (eos.size() == 1) json["eos_token_id"] = eos.front();
  if (eos.size() > 1) json["eos_token_id"] = eos;
  if (generation.bos_token_id) json["bos_token_id"] = *generation.bos_token_id;
  if (generation.pad_token_id) json["pad_token_id"] = *generation.pad_token_id;
  return json;
}

void write_tokenizer(SmallFiles& files, const Checkpoint& checkpoint) {
  const TokenizerSource& tokenizer = checkpoint.tokenizer;
  if (tokenizer.kind != TokenizerKind::kNone) files.bytes(file_name(tokenizer.kind), tokenizer.bytes.bytes());
  for (const auto& [name, bytes] : tokenizer.files) files.bytes(name, bytes.bytes());
  nlohmann::ordered_json config = tokenizer.config.json();
  if (!checkpoint.chat_template.empty()) config["chat_template"] = checkpoint.chat_template;
  if (!checkpoint.named_templates.empty()) {
    auto list = nlohmann::ordered_json::array();
    if (!checkpoint.chat_template.empty())
      list.push_back({{"name", "default"}, {"template", checkpoint.chat_template}});
    for (const auto& [name, text] : checkpoint.named_templates)
      list.push_back({{"name", name}, {"template", text}});
    config["chat_template"] = std::move(list);
  }
  if (!config.empty()) files.json("tokenizer_config.json", config);
}

std::string torch_class(const std::string& activation) {
  for (const auto& [name, known] : kDenseActivations)
    if (known == activation) return std::string(name);
  fail(ErrorCode::kUnsupported, "convert", "the activation '{}' has no class in PyTorch", activation);
}

// The config of a module behind the pooling and its weights, which are small.
void write_layer(SmallFiles& files, const SentenceLayer& layer, const Checkpoint& checkpoint,
                 std::optional<Format> format) {
  std::vector<SafetensorsDeclaration> tensors;
  std::vector<Weight> weights;
  std::int64_t inputs = 0;
  for (const auto& [name, weight] : checkpoint.weights) {
    if (!name.starts_with(layer.name + ".")) continue;
    const Format own = format_in_folder(weight, format);
    weights.push_back(as_rows(checkpoint.with_bytes(name), own));
    tensors.push_back({name.substr(layer.name.size() + 1), dtype_of(own), weight.shape});
    if (weight.shape.rank() > 0) inputs = std::max(inputs, weight.shape[-1]);
  }
  if (layer.kind == SentenceLayer::Kind::kDense) {
    inputs = checkpoint.weight(layer.name + ".linear.weight").shape[-1];
    files.json(layer.name + "/config.json", {{"in_features", inputs},
                                             {"out_features", layer.outputs},
                                             {"bias", layer.bias},
                                             {"activation_function", torch_class(layer.activation)},
                                             {"use_residual", layer.residual}});
  } else {
    files.json(layer.name + "/config.json", {{"dimension", inputs}});
  }
  files.tensors(layer.name + "/model.safetensors", tensors, weights);
}

void write_sentence_transformer(SmallFiles& files, const SentenceTransformer& sentence,
                                const Checkpoint& checkpoint, std::optional<Format> format) {
  const std::string prefix = "sentence_transformers.models.";
  auto modules = nlohmann::ordered_json::array();
  const auto add = [&](const std::string& path, const char* type) {
    const std::size_t index = modules.size();
    modules.push_back(
        {{"idx", index}, {"name", std::to_string(index)}, {"path", path}, {"type", prefix + type}});
  };
  add("", "Transformer");
  add("1_Pooling", "Pooling");
  for (const SentenceLayer& layer : sentence.layers) {
    if (layer.kind == SentenceLayer::Kind::kNormalize) {
      add(fmt::format("{}_Normalize", modules.size()), "Normalize");
      continue;
    }
    add(layer.name, layer.kind == SentenceLayer::Kind::kDense ? "Dense" : "LayerNorm");
    write_layer(files, layer, checkpoint, format);
  }
  nlohmann::ordered_json pooling{{"word_embedding_dimension", checkpoint.config.int_or("hidden_size", 0)}};
  for (const auto& [key, mode] : kPoolingKeys)
    pooling[std::string(key)] =
        std::find(sentence.pooling.begin(), sentence.pooling.end(), mode) != sentence.pooling.end();
  // Flags know one order only.
  if (sentence.pooling.size() > 1) {
    std::vector<std::string_view> modes;
    for (const Pooling mode : sentence.pooling) modes.push_back(to_string(mode));
    pooling["pooling_mode"] = modes;
  }
  pooling["include_prompt"] = sentence.include_prompt;
  files.json("1_Pooling/config.json", pooling);
  nlohmann::ordered_json bert{{"do_lower_case", sentence.do_lower_case}};
  if (sentence.max_seq_length > 0) bert["max_seq_length"] = sentence.max_seq_length;
  files.json("sentence_bert_config.json", bert);
  if (!sentence.prompts.empty())
    files.json("config_sentence_transformers.json",
               {{"prompts", sentence.prompts},
                {"default_prompt_name", sentence.default_prompt.empty()
                                            ? nlohmann::ordered_json()
                                            : nlohmann::ordered_json(sentence.default_prompt)}});
  files.json("modules.json", modules);
}

}  // namespace

void write_transformers_folder(const fs::path& folder, const Checkpoint& given, std::optional<Format> format,
                               const Job& job) {
  const Checkpoint checkpoint = with_stacked_experts(given);
  if (format && Encoding{*format}.is_integer())
    fail(ErrorCode::kUnsupported, folder.string(), "a folder of transformers holds floats, not {}",
         to_string(Encoding{*format}));
  SmallFiles files(folder);
  files.json("config.json", config_json(checkpoint, format));
  const auto generation = generation_json(checkpoint.generation);
  if (!generation.empty()) files.json("generation_config.json", generation);
  write_tokenizer(files, checkpoint);
  if (checkpoint.sentence_transformer)
    write_sentence_transformer(files, *checkpoint.sentence_transformer, checkpoint, format);
  files.check_strangers();
  const std::vector<SafetensorsDeclaration> tensors = declare(checkpoint, format);
  const fs::path weights = folder / "model.safetensors";
  SafetensorsWriter writer(weights, tensors, {{"format", "pt"}});
  write_weights(writer, tensors, checkpoint, format, job);
  // Old weights must not stand beside a new configuration, whenever the process is killed: from here there
  // are none until the last rename. (What was mapped from them stays readable.)
  std::error_code ignored;
  fs::remove(weights, ignored);
  files.commit();
  writer.commit();
}

}  // namespace swiftlet
