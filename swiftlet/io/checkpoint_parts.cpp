#include "swiftlet/io/checkpoint_parts.h"

#include <algorithm>
#include <set>
#include <utility>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"
#include "swiftlet/core/float_bits.h"
#include "swiftlet/core/log.h"
#include "swiftlet/core/mapped_file.h"
#include "swiftlet/io/json.h"
#include "swiftlet/io/torch_file.h"

namespace swiftlet {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// A file name from inside a JSON file: it must not lead out of the folder.
fs::path inside(const fs::path& folder, const std::string& name, const std::string& where) {
  const fs::path relative(name);
  const bool safe = relative.is_relative() && name.find('\0') == std::string::npos &&
                    std::find(relative.begin(), relative.end(), fs::path("..")) == relative.end();
  require(safe, where, "expected a path inside the folder, got \"{}\"", printable(name));
  return name.empty() ? folder : folder / relative;
}

TensorFile open_tensor_file(const fs::path& path) {
  return path.extension() == ".safetensors" ? open_safetensors_file(path) : open_torch_file(path);
}

std::vector<TensorFile> open_shards(const fs::path& folder, const fs::path& index_path) {
  const Config index = Config::load(index_path);
  const auto map = index.section("weight_map");
  if (!map) index.fail_value("weight_map", "an object");
  std::map<std::string, std::vector<std::string>> by_file;
  for (const auto& [name, file] : map->json().items()) by_file[map->require_string(name)].push_back(name);
  std::vector<TensorFile> files;
  for (const auto& [file, names] : by_file) {
    const fs::path path = inside(folder, file, map->where());
    if (!is_there(path))
      fail(ErrorCode::kNotFound, path.string(), "is missing: {} lists it", index_path.string());
    files.push_back(open_tensor_file(path));
    std::set<std::string_view> present;
    for (const TensorEntry& entry : files.back().entries) present.insert(entry.name);
    for (const auto& name : names)
      require(present.contains(name), fmt::format("{}: tensor '{}'", path.string(), printable(name)),
              "is not in the file, although {} says so", index_path.filename().string());
  }
  return files;
}

bool is_float(DType type) {
  return type == DType::kF32 || type == DType::kF16 || type == DType::kBF16 || type == DType::kF64;
}

bool is_float8(DType type) {
  return type == DType::kF8E4M3 || type == DType::kF8E5M2;
}

// f64 becomes f32, and fp8 bf16, which holds its values; all else stays as it is.
Tensor float_tensor(const Tensor& tensor) {
  const auto converted = [&](DType type, auto write) {
    Tensor out = Tensor::zeros(type, tensor.shape());
    write(out);
    check_mapped(tensor.buffer().bytes());
    release_mapped(tensor.buffer().bytes());
    return out;
  };
  if (tensor.dtype() == DType::kF64)
    return converted(DType::kF32, [&](Tensor& out) {
      const auto from = tensor.span<double>();
      std::transform(from.begin(), from.end(), out.mutable_data<float>(),
                     [](double value) { return static_cast<float>(value); });
    });
  if (is_float8(tensor.dtype()))
    return converted(DType::kBF16, [&](Tensor& out) {
      const auto widen = tensor.dtype() == DType::kF8E4M3 ? f8e4m3_to_f32 : f8e5m2_to_f32;
      const auto from = tensor.span<std::uint8_t>();
      std::transform(from.begin(), from.end(), out.mutable_data<std::uint16_t>(),
                     [&](std::uint8_t bits) { return f32_to_bf16(widen(bits)); });
    });
  return tensor;
}

// Layer norms have names of TensorFlow in old checkpoints of BERT and its kin; transformers renames them too.
std::string name_of(const TensorEntry& entry) {
  const std::string_view name = entry.name;
  for (const auto& [old, now] : {std::pair{"LayerNorm.gamma", "weight"}, {"LayerNorm.beta", "bias"}})
    if (name.ends_with(old)) return std::string(name.substr(0, name.rfind('.') + 1)) + now;
  return entry.name;
}

Format format_of(DType type) {
  if (type == DType::kBF16 || is_float8(type)) return Format::kBF16;
  return type == DType::kF16 ? Format::kF16 : Format::kF32;
}

// A weight whose bytes `make` gives: now, or later where they are not those of the file and `stream` is set.
void add_weight(Checkpoint& checkpoint, const std::string& name, DType dtype, const Shape& shape, bool later,
                std::function<Tensor()> make) {
  if (!later) {
    checkpoint.weights.emplace(name, weight_from_tensor(name, float_tensor(make())));
    return;
  }
  Weight weight;
  weight.name = name;
  weight.shape = shape;
  weight.encoding.format = format_of(dtype);
  checkpoint.weights.emplace(name, std::move(weight));
  checkpoint.made_weights.emplace(
      name, [name, make = std::move(make)] { return weight_from_tensor(name, float_tensor(make())); });
}

// The modes of 1_Pooling/config.json: flags, or in newer files words. Several stand side by side in the order
// of the words, for flags in that of sentence-transformers.
std::vector<Pooling> read_pooling(const Config& config) {
  std::vector<Pooling> chosen;
  for (const auto& [key, mode] : kPoolingKeys)
    if (config.bool_or(key, false)) chosen.push_back(mode);
  if (config.has("pooling_mode")) {
    chosen.clear();
    for (const std::string& word : config.strings("pooling_mode"))
      for (const auto& [key, mode] : kPoolingKeys)
        if (word == to_string(mode)) chosen.push_back(mode);
    if (chosen.size() != config.strings("pooling_mode").size())
      config.fail_value("pooling_mode", "mean, cls, max, lasttoken, mean_sqrt_len_tokens or weightedmean");
  }
  require(!chosen.empty(), config.where(), "expected a pooling mode that is true, got none");
  return chosen;
}

SentenceLayer read_dense(const Config& config, const std::string& name) {
  for (const char* key : {"module_input_name", "module_output_name"})
    if (const std::string value = config.string_or(key, "sentence_embedding"); value != "sentence_embedding")
      fail(ErrorCode::kUnsupported, fmt::format("{}: {}", config.where(), key),
           "'{}' is not available, only sentence_embedding", printable(value));
  SentenceLayer layer{.kind = SentenceLayer::Kind::kDense,
                      .name = name,
                      .outputs = config.require_int("out_features", 1, std::int64_t{1} << 24),
                      .bias = config.bool_or("bias", true),
                      .residual = config.bool_or("use_residual", false)};
  const std::string function = config.string_or("activation_function", "torch.nn.modules.activation.Tanh");
  for (const auto& [known, activation] : kDenseActivations)
    if (function == known) {
      layer.activation = activation;
      return layer;
    }
  fail(ErrorCode::kUnsupported, config.where() + ": activation_function",
       "'{}' is not available; known are Identity, Tanh, ReLU, GELU, SiLU, Sigmoid", printable(function));
}

void read_prompts(const fs::path& path, SentenceTransformer& out) {
  if (!is_there(path)) return;
  const Config config = Config::load(path);
  if (const auto prompts = config.section("prompts"))
    for (const auto& [name, text] : prompts->json().items()) out.prompts[name] = prompts->string_or(name, "");
  out.default_prompt = config.string_or("default_prompt_name", "");
  require(out.default_prompt.empty() || out.prompts.contains(out.default_prompt),
          config.where() + ": default_prompt_name", "names no prompt: \"{}\"", printable(out.default_prompt));
}

// sentence_bert_config.json, or its forerunners of other families (sentence_roberta_config.json, ...).
void read_sentence_config(const fs::path& folder, SentenceTransformer& out) {
  for (const char* family :
       {"bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet"}) {
    const fs::path path = folder / fmt::format("sentence_{}_config.json", family);
    if (!is_there(path)) continue;
    const Config config = Config::load(path);
    out.max_seq_length = config.int_or("max_seq_length", 0, 1, std::int64_t{1} << 30);
    out.do_lower_case = config.bool_or("do_lower_case", false);
    return;
  }
}

constexpr std::size_t kMostTemplateBytes = std::size_t{1} << 20;

// A list of named templates: [{"name": "default", "template": "..."}, ...]
std::map<std::string, std::string> listed_templates(const Config& tokenizer_config) {
  const auto& list = tokenizer_config.json().at("chat_template");
  if (!list.is_array()) tokenizer_config.fail_value("chat_template", "a string or a list of templates");
  std::map<std::string, std::string> templates;
  for (const auto& named : list) {
    const bool good = named.is_object() && named.contains("name") && named["name"].is_string() &&
                      named.contains("template") && named["template"].is_string();
    if (!good) tokenizer_config.fail_value("chat_template", "templates with a name and a template");
    templates[named["name"].get<std::string>()] = named["template"].get<std::string>();
  }
  return templates;
}

}  // namespace

TensorFile open_safetensors_file(const fs::path& path) {
  return tensors_of(SafetensorsFile::open(path));
}

TensorFile tensors_of(const SafetensorsFile& file) {
  TensorFile tensors{file.where(), {}};
  for (const auto& entry : file.entries())
    tensors.entries.push_back(
        {entry.name, entry.dtype, entry.shape, {}, file.bytes(entry), file.where(entry.name)});
  return tensors;
}

void add_tensors(Checkpoint& checkpoint, const TensorFile& file, bool stream, const std::string& prefix) {
  for (const TensorEntry& entry : file.entries) {
    const std::string name = prefix + name_of(entry);
    require(!checkpoint.weights.contains(name) && !checkpoint.tensors.contains(name), entry.where,
            "is also in another file of the model");
    if (!is_float(entry.dtype)) {
      checkpoint.tensors.emplace(name, entry.tensor());
      continue;
    }
    const bool copied = entry.dtype == DType::kF64 || entry.needs_copy();
    add_weight(checkpoint, name, entry.dtype, entry.shape, stream && copied,
               [entry] { return entry.tensor(); });
  }
}

void widen_float8(Checkpoint& checkpoint, bool stream) {
  std::int64_t count = 0;
  for (auto at = checkpoint.tensors.begin(); at != checkpoint.tensors.end();) {
    const Tensor tensor = at->second;
    if (is_float8(tensor.dtype())) {
      add_weight(checkpoint, at->first, tensor.dtype(), tensor.shape(), stream, [tensor] { return tensor; });
      at = checkpoint.tensors.erase(at);
      ++count;
    } else {
      ++at;
    }
  }
  if (count > 0)
    warn("{}: {} tensors of fp8 run as bf16, with the same values and twice the size", checkpoint.source,
         count);
}

std::optional<fs::path> find_weights(const fs::path& folder) {
  for (const std::string_view name : kWeightFiles)
    if (is_there(folder / name)) return folder / name;
  return std::nullopt;
}

std::vector<TensorFile> open_weights(const fs::path& folder) {
  const auto found = find_weights(folder);
  if (!found) return {};
  if (found->extension() == ".json") return open_shards(folder, *found);
  return {open_tensor_file(*found)};
}

void add_layer(Checkpoint& checkpoint, const fs::path& folder, const SentenceLayer& layer, bool stream) {
  const fs::path place = folder / layer.name;
  const std::vector<TensorFile> files = open_weights(place);
  if (files.empty()) fail(ErrorCode::kNotFound, place.string(), "has no model.safetensors");
  for (const TensorFile& file : files) add_tensors(checkpoint, file, stream, layer.name + ".");
  widen_float8(checkpoint, stream);
}

GenerationConfig read_generation(const fs::path& folder, const Config& config) {
  const fs::path path = folder / "generation_config.json";
  const Config own = is_there(path) ? Config::load(path) : Config();
  const auto token = [&](const char* key) {
    const auto ids = own.has(key) ? own.ints(key) : config.ints(key);
    return ids.empty() ? std::nullopt : std::optional(ids.front());
  };
  GenerationConfig generation;
  generation.eos_token_ids = own.has("eos_token_id") ? own.ints("eos_token_id") : config.ints("eos_token_id");
  generation.bos_token_id = token("bos_token_id");
  generation.pad_token_id = token("pad_token_id");
  return generation;
}

std::string read_chat_template(const fs::path& folder, const Config& tokenizer_config) {
  if (is_there(folder / "chat_template.jinja"))
    return read_text_file(folder / "chat_template.jinja", kMostTemplateBytes);
  if (is_there(folder / "chat_template.json"))
    return Config::load(folder / "chat_template.json").require_string("chat_template");
  const auto& json = tokenizer_config.json();
  const auto found = json.find("chat_template");
  if (found == json.end() || found->is_null()) return {};
  if (found->is_string()) return found->get<std::string>();
  return listed_templates(tokenizer_config)["default"];
}

std::map<std::string, std::string> read_named_templates(const fs::path& folder,
                                                        const Config& tokenizer_config) {
  std::map<std::string, std::string> templates;
  const auto found = tokenizer_config.json().find("chat_template");
  const bool listed = found != tokenizer_config.json().end() && found->is_array();
  if (listed && !is_there(folder / "chat_template.jinja") && !is_there(folder / "chat_template.json"))
    templates = listed_templates(tokenizer_config);
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder / "additional_chat_templates", ignored))
    if (entry.path().extension() == ".jinja")
      templates[entry.path().stem().string()] = read_text_file(entry.path(), kMostTemplateBytes);
  templates.erase("default");
  return templates;
}

SentenceModules read_sentence_modules(const fs::path& folder) {
  const fs::path path = folder / "modules.json";
  const auto json = parse_json(read_text_file(path, 1 << 20), path.string());
  require(json.is_array() && !json.empty(), path.string(), "expected a list of modules, got {}",
          excerpt(json));
  SentenceModules modules;
  bool pooled = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const std::string where = fmt::format("{}: module {}", path.string(), i);
    const Config module = Config::parse(json[i].dump(), where);
    const std::string type = module.require_string("type");
    const std::string kind = type.substr(type.rfind('.') == std::string::npos ? 0 : type.rfind('.') + 1);
    const fs::path place = inside(folder, module.string_or("path", ""), where + ": path");
    if (i == 0 && kind == "Transformer") {
      modules.transformer = place;
      read_sentence_config(place, modules.rest);
    } else if (i > 0 && kind == "Pooling" && !pooled) {
      const Config pooling = Config::load(place / "config.json");
      modules.rest.pooling = read_pooling(pooling);
      modules.rest.include_prompt = pooling.bool_or("include_prompt", true);
      const char* key =
          pooling.has("embedding_dimension") ? "embedding_dimension" : "word_embedding_dimension";
      modules.dimension = pooling.int_or(key, 0, 0);
      pooled = true;
    } else if (i > 0 && kind == "Dense" && pooled) {
      modules.rest.layers.push_back(
          read_dense(Config::load(place / "config.json"), module.string_or("path", "")));
    } else if (i > 0 && kind == "LayerNorm" && pooled) {
      modules.rest.layers.push_back(
          {.kind = SentenceLayer::Kind::kLayerNorm, .name = module.string_or("path", "")});
    } else if (i > 0 && kind == "Normalize" && pooled) {
      modules.rest.layers.push_back({.kind = SentenceLayer::Kind::kNormalize});
    } else {
      fail(ErrorCode::kUnsupported, where,
           "{} is not supported here: expected Transformer, Pooling and perhaps Dense, LayerNorm, Normalize",
           printable(type));
    }
  }
  require(pooled, path.string(), "has no Pooling module");
  read_prompts(folder / "config_sentence_transformers.json", modules.rest);
  return modules;
}

}  // namespace swiftlet
