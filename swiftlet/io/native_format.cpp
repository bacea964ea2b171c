#include "swiftlet/io/native_format.h"

#include <algorithm>
#include <array>
#include <utility>

#include "swiftlet/core/error.h"
#include "swiftlet/io/json.h"

namespace swiftlet {
namespace {

constexpr std::array<std::pair<Layout, std::string_view>, 2> kLayouts{
    {{Layout::kRows, "rows"}, {Layout::kPanels, "panels"}}};
constexpr std::array kPoolings{
    Pooling::kMean,           Pooling::kCls,         Pooling::kMax, Pooling::kLastToken,
    Pooling::kMeanSqrtLength, Pooling::kWeightedMean};
constexpr std::array kTokenizers{TokenizerKind::kNone, TokenizerKind::kTokenizerJson,
                                 TokenizerKind::kVocabText, TokenizerKind::kLlama2c};

template <class Table, class Value>
std::string_view name_in(const Table& table, Value value) {
  for (const auto& [known, name] : table)
    if (known == value) return name;
  return "?";
}

template <class Value, std::size_t N>
Value value_in(const std::array<std::pair<Value, std::string_view>, N>& table, const Config& config,
               std::string_view key) {
  const std::string text = config.require_string(key);
  for (const auto& [value, name] : table)
    if (name == text) return value;
  config.fail_value(key, "a name that this version knows");
}

template <class Values>
auto named_value(const Values& values, const Config& config, std::string_view key) {
  const std::string text = config.require_string(key);
  for (const auto value : values)
    if (to_string(value) == text) return value;
  config.fail_value(key, "a name that this version knows");
}

nlohmann::json weights_json(std::span<const NativeWeight> weights) {
  auto list = nlohmann::json::array();
  for (const auto& weight : weights)
    list.push_back({{"name", weight.name},
                    {"shape", weight.shape.dims()},
                    {"encoding", to_string(weight.encoding)},
                    {"layout", to_string(weight.layout)},
                    {"arithmetic", to_string(weight.arithmetic)}});
  return list;
}

constexpr std::array<std::pair<SentenceLayer::Kind, std::string_view>, 3> kLayerKinds{
    {{SentenceLayer::Kind::kDense, "dense"},
     {SentenceLayer::Kind::kLayerNorm, "layer_norm"},
     {SentenceLayer::Kind::kNormalize, "normalize"}}};

nlohmann::json layer_json(const SentenceLayer& layer) {
  nlohmann::json json{{"kind", name_in(kLayerKinds, layer.kind)}};
  if (layer.kind != SentenceLayer::Kind::kNormalize) json["name"] = layer.name;
  if (layer.kind == SentenceLayer::Kind::kDense)
    json.update({{"outputs", layer.outputs},
                 {"activation", layer.activation},
                 {"bias", layer.bias},
                 {"residual", layer.residual}});
  return json;
}

// "pooling" is one name where there is one, and a final normalization has a key of its own, as in the first
// files.
nlohmann::json sentence_json(const SentenceTransformer& sentence) {
  const bool plain = sentence.layers.empty() || (sentence.layers.size() == 1 &&
                                                 sentence.layers[0].kind == SentenceLayer::Kind::kNormalize);
  nlohmann::json json{{"normalize", plain && !sentence.layers.empty()},
                      {"max_seq_length", sentence.max_seq_length},
                      {"do_lower_case", sentence.do_lower_case},
                      {"prompts", sentence.prompts},
                      {"default_prompt", sentence.default_prompt}};
  std::vector<std::string_view> pooling;
  for (const Pooling mode : sentence.pooling) pooling.push_back(to_string(mode));
  if (pooling.size() == 1)
    json["pooling"] = pooling.front();
  else
    json["pooling"] = pooling;
  if (!sentence.include_prompt) json["include_prompt"] = false;
  if (!plain)
    for (const SentenceLayer& layer : sentence.layers) json["layers"].push_back(layer_json(layer));
  return json;
}

nlohmann::json generation_json(const GenerationConfig& generation) {
  nlohmann::json json{{"eos_token_id", generation.eos_token_ids}};
  if (generation.bos_token_id) json["bos_token_id"] = *generation.bos_token_id;
  if (generation.pad_token_id) json["pad_token_id"] = *generation.pad_token_id;
  return json;
}

// A value of __metadata__ that holds JSON.
Config part(const SafetensorsFile& file, std::string_view key) {
  const auto found = file.metadata().find(key);
  require(found != file.metadata().end(), file.where(), "has no \"{}\" in its metadata", key);
  return Config::parse(found->second, fmt::format("{}: {}", file.where(), key));
}

std::string text_part(const SafetensorsFile& file, std::string_view key) {
  const auto found = file.metadata().find(key);
  return found == file.metadata().end() ? std::string() : found->second;
}

NativeWeight weight_of(const Config& json) {
  NativeWeight weight;
  weight.name = json.require_string("name");
  weight.shape = Shape(json.ints("shape"));
  for (const std::int64_t extent : weight.shape.dims())
    if (extent < 0) json.fail_value("shape", "extents of at least 0");
  const auto encoding = parse_encoding(json.require_string("encoding"));
  if (!encoding) json.fail_value("encoding", "an encoding that this version knows");
  weight.encoding = *encoding;
  weight.layout = value_in(kLayouts, json, "layout");
  const auto arithmetic = parse_arithmetic(json.require_string("arithmetic"));
  if (!arithmetic) json.fail_value("arithmetic", "an arithmetic that this version knows");
  weight.arithmetic = *arithmetic;
  return weight;
}

std::vector<NativeWeight> weights_of(const SafetensorsFile& file) {
  const std::string where = fmt::format("{}: weights", file.where());
  const auto list = parse_json(text_part(file, "weights"), where);
  require(list.is_array(), where, "expected a list, got {}", excerpt(list));
  std::vector<NativeWeight> weights;
  for (std::size_t i = 0; i < list.size(); ++i)
    weights.push_back(weight_of(Config::parse(list[i].dump(), fmt::format("{}: {}", where, i))));
  return weights;
}

std::vector<Pooling> poolings_of(const Config& json) {
  std::vector<Pooling> poolings;
  for (const std::string& name : json.strings("pooling"))
    poolings.push_back(named_value(
        kPoolings, Config::parse(nlohmann::json{{"pooling", name}}.dump(), json.where()), "pooling"));
  if (poolings.empty()) json.fail_value("pooling", "a pooling mode, or several");
  return poolings;
}

SentenceLayer layer_of(const Config& json) {
  SentenceLayer layer{.kind = value_in(kLayerKinds, json, "kind")};
  if (layer.kind == SentenceLayer::Kind::kNormalize) return layer;
  layer.name = json.require_string("name");
  if (layer.kind == SentenceLayer::Kind::kLayerNorm) return layer;
  layer.outputs = json.require_int("outputs", 1, std::int64_t{1} << 24);
  layer.activation = json.require_string("activation");
  layer.bias = json.bool_or("bias", true);
  layer.residual = json.bool_or("residual", false);
  return layer;
}

SentenceTransformer sentence_of(const Config& json) {
  SentenceTransformer sentence;
  sentence.pooling = poolings_of(json);
  sentence.include_prompt = json.bool_or("include_prompt", true);
  if (json.bool_or("normalize", false)) sentence.layers.push_back({});
  if (json.has("layers")) {
    if (!json.json()["layers"].is_array()) json.fail_value("layers", "a list of layers");
    for (const auto& layer : json.json()["layers"])
      sentence.layers.push_back(layer_of(Config::parse(layer.dump(), json.where() + ": layers")));
  }
  sentence.max_seq_length = json.int_or("max_seq_length", 0, 0, std::int64_t{1} << 30);
  sentence.do_lower_case = json.bool_or("do_lower_case", false);
  if (const auto prompts = json.section("prompts"))
    for (const auto& [name, text] : prompts->json().items())
      sentence.prompts[name] = prompts->require_string(name);
  sentence.default_prompt = json.string_or("default_prompt", "");
  if (!sentence.default_prompt.empty() && !sentence.prompts.contains(sentence.default_prompt))
    json.fail_value("default_prompt", "the name of a prompt");
  return sentence;
}

GenerationConfig generation_of(const Config& json) {
  GenerationConfig generation;
  generation.eos_token_ids = json.ints("eos_token_id");
  if (json.has("bos_token_id")) generation.bos_token_id = json.require_int("bos_token_id");
  if (json.has("pad_token_id")) generation.pad_token_id = json.require_int("pad_token_id");
  return generation;
}

Buffer blob_of(const SafetensorsFile& file, std::string_view name, std::int64_t bytes,
               const std::string& where) {
  const SafetensorsEntry* blob = file.find(name);
  require(blob != nullptr, where, "is missing");
  require(round_up_blob(static_cast<std::uint64_t>(bytes)) == blob->bytes(), where,
          "is said to have {} bytes, its blob has {}", bytes, blob->bytes());
  return file.bytes(*blob).slice(0, static_cast<std::size_t>(bytes));
}

TokenizerSource tokenizer_of(const SafetensorsFile& file) {
  const Config json = part(file, "tokenizer");
  TokenizerSource tokenizer;
  tokenizer.kind = named_value(kTokenizers, json, "kind");
  tokenizer.where = file.where() + ": tokenizer";
  tokenizer.config = json.section("config").value_or(Config());
  if (tokenizer.kind == TokenizerKind::kNone) return tokenizer;
  tokenizer.bytes = blob_of(file, kTokenizerBlob, json.require_int("bytes", 0), tokenizer.where);
  if (json.has("tables_bytes"))
    tokenizer.tables =
        blob_of(file, kTablesBlob, json.require_int("tables_bytes", 1), tokenizer.where + ": tables");
  return tokenizer;
}

}  // namespace

std::string_view to_string(Layout layout) {
  return name_in(kLayouts, layout);
}

std::uint64_t round_up_blob(std::uint64_t bytes) {
  return (bytes + kNativeAlignment - 1) / kNativeAlignment * kNativeAlignment;
}

BlobSizes blob_sizes(const NativeWeight& weight, std::string_view where) {
  if (weight.layout == Layout::kPanels) {
    require(weight.shape.rank() == 2, where, "panels are for matrices, the shape is {}",
            weight.shape.to_string());
    const PanelGeometry geometry = panel_geometry(weight.encoding, weight.shape[0], weight.shape[1]);
    const std::int64_t scales = geometry.panels * geometry.groups * kPanelRows;
    return {static_cast<std::uint64_t>(geometry.code_bytes()),
            static_cast<std::uint64_t>(geometry.scales_bytes()),
            static_cast<std::uint64_t>(weight.encoding.asymmetric ? scales : 0)};
  }
  require(!weight.encoding.is_integer(), where, "encoding {} is stored in panels, not in rows",
          to_string(weight.encoding));
  std::int64_t bytes = 0;
  const bool fits = !__builtin_mul_overflow(weight.shape.elements(), weight.encoding.bits() / 8, &bytes) &&
                    bytes <= std::int64_t{1} << 60;
  require(fits, where, "shape {} is too large", weight.shape.to_string());
  return {static_cast<std::uint64_t>(bytes), 0, 0};
}

std::string header_hash(std::string_view header) {
  const std::string mark = fmt::format("\"{}\":\"", kHeaderHashKey);
  const auto found = header.find(mark);
  if (found == std::string_view::npos || header.size() - found < mark.size() + kSha256Digits) return {};
  const std::size_t digits = found + mark.size();
  Sha256 hash;
  hash.update(header.substr(0, digits));
  hash.update(std::string(kSha256Digits, '0'));
  hash.update(header.substr(digits + kSha256Digits));
  return hash.finish();
}

SafetensorsMetadata metadata_of(const Checkpoint& parts, std::span<const NativeWeight> weights) {
  SafetensorsMetadata metadata;
  metadata["format"] = kNativeFormat;
  metadata["format_version"] = std::to_string(kNativeVersion);
  metadata["first_reader"] = kNativeFirstReader;
  metadata[std::string(kHeaderHashKey)] = std::string(kSha256Digits, '0');
  metadata["config"] = parts.config.dump();
  metadata["generation"] = generation_json(parts.generation).dump();
  nlohmann::json tokenizer{{"kind", to_string(parts.tokenizer.kind)},
                           {"bytes", parts.tokenizer.bytes.size()},
                           {"config", parts.tokenizer.config.json()}};
  if (parts.tokenizer.tables.size() > 0) tokenizer["tables_bytes"] = parts.tokenizer.tables.size();
  metadata["tokenizer"] = tokenizer.dump();
  if (parts.sentence_transformer)
    metadata["sentence_transformer"] = sentence_json(*parts.sentence_transformer).dump();
  if (!parts.chat_template.empty()) metadata["chat_template"] = parts.chat_template;
  if (!parts.named_templates.empty())
    metadata["chat_templates"] = nlohmann::json(parts.named_templates).dump();
  if (!parts.plan.empty()) metadata["plan"] = parts.plan;
  if (!parts.certificate.empty()) metadata["certificate"] = parts.certificate;
  metadata["weights"] = weights_json(weights).dump();
  return metadata;
}

std::string hashes_text(std::span<const SafetensorsDeclaration> blobs, std::span<const std::string> hashes) {
  auto json = nlohmann::json::object();
  for (std::size_t i = 0; i < blobs.size(); ++i)
    json[blobs[i].name] = i < hashes.size() ? hashes[i] : std::string(kSha256Digits, '0');
  return json.dump();
}

void read_metadata(const SafetensorsFile& file, Checkpoint& checkpoint, std::vector<NativeWeight>& weights) {
  checkpoint.config = part(file, "config");
  checkpoint.generation = generation_of(part(file, "generation"));
  checkpoint.tokenizer = tokenizer_of(file);
  if (file.metadata().contains("sentence_transformer"))
    checkpoint.sentence_transformer = sentence_of(part(file, "sentence_transformer"));
  checkpoint.chat_template = text_part(file, "chat_template");
  if (file.metadata().contains("chat_templates")) {
    const Config templates = part(file, "chat_templates");
    for (const auto& [name, text] : templates.json().items())
      checkpoint.named_templates[name] = templates.require_string(name);
  }
  checkpoint.plan = text_part(file, "plan");
  checkpoint.certificate = text_part(file, "certificate");
  if (!checkpoint.plan.empty()) part(file, "plan");
  if (!checkpoint.certificate.empty()) part(file, "certificate");
  weights = weights_of(file);
}

}  // namespace swiftlet
