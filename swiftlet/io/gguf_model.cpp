#include "swiftlet/io/gguf_model.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "swiftlet/core/error.h"
#include "swiftlet/core/log.h"
#include "swiftlet/io/gguf_architectures.h"
#include "swiftlet/io/gguf_vocabulary.h"

namespace swiftlet {
namespace {

constexpr std::int64_t kMostExtent = (std::int64_t{1} << 31) - 1;

// Keys that say nothing about the arithmetic, or that the common code reads.
constexpr std::string_view kCommonKeys[]{
    "context_length",
    "embedding_length",
    "block_count",
    "feed_forward_length",
    "vocab_size",
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.value_length",
    "attention.layer_norm_rms_epsilon",
    "attention.layer_norm_epsilon",
    "attention.causal",
    "rope.freq_base",
    "rope.dimension_count",
    "rope.scale_linear",
    "rope.scaling.type",
    "rope.scaling.factor",
    "rope.scaling.attn_factor",
    "rope.scaling.original_context_length",
    "rope.scaling.finetuned",
    "rope.scaling.yarn_beta_fast",
    "rope.scaling.yarn_beta_slow",
    "pooling_type",
    "tensor_data_layout",
    "expert_count",
    "expert_used_count",
    "use_parallel_residual",
};

bool is_number(std::string_view text) {
  constexpr std::size_t kMostDigits = 6;
  return !text.empty() && text.size() <= kMostDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// What the '*' of a pattern stands for, "" where it has none; nullopt: no match.
std::optional<std::string_view> match(std::string_view pattern, std::string_view text) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos)
    return pattern == text ? std::optional(std::string_view()) : std::nullopt;
  const std::string_view head = pattern.substr(0, star), tail = pattern.substr(star + 1);
  if (text.size() < pattern.size() || !text.starts_with(head) || !text.ends_with(tail)) return std::nullopt;
  const std::string_view number = text.substr(head.size(), text.size() + 1 - pattern.size());
  return is_number(number) ? std::optional(number) : std::nullopt;
}

std::string with_number(std::string_view pattern, std::string_view number) {
  std::string name(pattern);
  const std::size_t star = number.empty() ? std::string::npos : name.find('*');
  return star == std::string::npos ? name : name.replace(star, 1, number);
}

// "<prefix>3.self_attn.q_proj" as {"3", "self_attn.q_proj"}.
std::optional<std::pair<std::string_view, std::string_view>> split_layer(std::string_view stem,
                                                                         std::string_view prefix) {
  if (!stem.starts_with(prefix)) return std::nullopt;
  stem.remove_prefix(prefix.size());
  const std::size_t dot = stem.find('.');
  if (dot == std::string_view::npos || !is_number(stem.substr(0, dot))) return std::nullopt;
  return std::pair(stem.substr(0, dot), stem.substr(dot + 1));
}

constexpr std::string_view kBlock = "blk.", kWeight = ".weight";

// The name of a weight as "a.b" and ".weight".
std::pair<std::string_view, std::string_view> split_suffix(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::pair(name, std::string_view())
                                       : std::pair(name.substr(0, dot), name.substr(dot));
}

// Where the weight "<stem><suffix>" goes; a bare name has no suffix.
std::optional<GgufPlace> place_in(std::span<const GgufName> names, std::string_view stem,
                                  std::string_view suffix, bool bare) {
  for (const GgufName& row : names) {
    if (row.form >= GgufForm::kQueries || (row.form == GgufForm::kBare) != bare) continue;
    const auto number = match(row.transformers, stem);
    if (!number) continue;
    GgufPlace place{
        .tensor = with_number(row.gguf, *number) + std::string(suffix), .form = row.form, .expert = {}};
    if (!number->empty() && row.gguf.find('*') == std::string_view::npos)
      place.expert = std::stoll(std::string(*number));
    return place;
  }
  return std::nullopt;
}

std::optional<GgufPlace> place_of(const GgufArchitecture& architecture, std::string_view stem,
                                  std::string_view suffix, bool bare) {
  const auto layer = split_layer(stem, architecture.layer_prefix);
  if (!layer) return place_in(architecture.names, stem, suffix, bare);
  auto place = place_in(architecture.layer_names, layer->second, suffix, bare);
  if (place) place->tensor = fmt::format("{}{}.{}", kBlock, layer->first, place->tensor);
  return place;
}

std::int64_t size_of(const Config& config, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys)
    if (config.has(key)) return config.require_int(key, 1, kMostExtent);
  return config.require_int(*keys.begin());  // says that it is missing
}

void add_once(std::string& list, std::string_view name) {
  const std::string all = ", " + list + ", ";
  if (all.find(fmt::format(", {}, ", name)) != std::string::npos) return;
  list += fmt::format("{}{}", list.empty() ? "" : ", ", name);
}

void warn_unread_keys(const GgufFile& file, const GgufArchitecture& architecture) {
  const std::string prefix = std::string(architecture.name) + ".";
  std::string unread;
  for (const auto& [key, value] : file.values()) {
    if (!key.starts_with(prefix)) continue;
    const std::string_view what = key.substr(prefix.size());
    const auto is_what = [&](std::string_view known) { return known == what; };
    if (std::any_of(std::begin(kCommonKeys), std::end(kCommonKeys), is_what) ||
        std::any_of(architecture.keys.begin(), architecture.keys.end(), is_what))
      continue;
    unread += fmt::format("{}{}", unread.empty() ? "" : ", ", printable(key));
  }
  if (!unread.empty()) warn("{}: keys that are not read: {}", file.where(), unread);
}

}  // namespace

std::string GgufKeys::key(std::string_view what) const {
  return fmt::format("{}.{}", architecture, what);
}

std::int64_t GgufKeys::extent(std::string_view what) const {
  const auto value = integer(what);
  require(value.has_value(), where(what), "is missing");
  require(*value >= 1 && *value <= kMostExtent, where(what), "expected from 1 to {}, came {}", kMostExtent,
          *value);
  return *value;
}

std::int64_t GgufKeys::extent_of_layers(std::string_view what, std::int64_t fallback) const {
  const std::vector<std::int64_t> values = file.integers(key(what));
  if (values.empty() && fallback > 0) return fallback;
  require(!values.empty(), where(what), "is missing");
  for (const std::int64_t value : values) {
    require(value >= 1 && value <= kMostExtent, where(what), "expected from 1 to {}, came {}", kMostExtent,
            value);
    if (value != values.front())
      fail(ErrorCode::kUnsupported, where(what), "layers that differ ({} and {}) are not available",
           values.front(), value);
  }
  return values.front();
}

const GgufArchitecture& find_gguf_architecture(const GgufFile& file) {
  constexpr std::string_view kKey = "general.architecture";
  const auto name = file.text(kKey);
  require(name.has_value(), file.where_key(kKey), "is missing: the file does not say what model it holds");
  const GgufKeys keys{file, *name};
  const std::int64_t experts = keys.integer("expert_count").value_or(0);
  const std::string_view vocabulary = file.text("tokenizer.ggml.model").value_or("");
  std::string known;
  bool named = false;
  for (const GgufArchitecture& row : gguf_architectures()) {
    const bool has_sign =
        row.sign.empty() || file.find(fmt::format("{}0.{}{}", kBlock, row.sign, kWeight)) != nullptr;
    const bool fits = has_sign && (row.vocabulary.empty() || row.vocabulary == vocabulary);
    if (row.name == *name && row.mixture == (experts > 0) && fits) return row;
    if (row.name == *name)
      named = true;
    else
      add_once(known, row.name);
  }
  if (named && experts > 0)
    fail(ErrorCode::kUnsupported, keys.where("expert_count"),
         "a mixture of experts ({}) is not available for '{}'", experts, *name);
  if (named) fail(ErrorCode::kInvalid, keys.where("expert_count"), "is missing: '{}' has experts", *name);
  fail(ErrorCode::kUnsupported, file.where_key(kKey), "'{}' is not available; known are {}", printable(*name),
       known);
}

const GgufArchitecture& find_gguf_architecture(const Checkpoint& checkpoint) {
  const Config& config = checkpoint.config;
  const std::string type = config.require_string("model_type");
  // Mistral is what Llama is, but for windows that the first ones had.
  const std::string_view written = type == "mistral" ? "llama" : std::string_view(type);
  std::string known;
  for (const GgufArchitecture& row : gguf_architectures()) {
    const std::string sign = fmt::format("{}0.{}{}", kBlock, row.sign, kWeight);
    const auto has_sign = [&](const auto& weight) {
      const auto place = gguf_place(row, weight.first);
      return place && place->tensor == sign;
    };
    if (row.model_type == written &&
        (row.sign.empty() || std::any_of(checkpoint.weights.begin(), checkpoint.weights.end(), has_sign)))
      return row;
    add_once(known, row.model_type);
  }
  fail(ErrorCode::kUnsupported, config.where() + ": model_type",
       "'{}' cannot be written to GGUF; known are {}, mistral", printable(type), known);
}

std::optional<GgufPlace> gguf_place(const GgufArchitecture& architecture, std::string_view weight) {
  if (weight.starts_with(architecture.head_root)) weight.remove_prefix(architecture.head_root.size());
  if (const auto bare = place_of(architecture, weight, kWeight, true)) return bare;
  const auto [stem, suffix] = split_suffix(weight);
  if (suffix.empty()) return std::nullopt;
  if (const auto place = place_of(architecture, stem, suffix, false)) return place;
  return place_of(architecture, std::string(architecture.optional_root) + std::string(stem), suffix, false);
}

std::vector<GgufContent> gguf_contents(const GgufArchitecture& architecture, std::string_view tensor) {
  const auto [stem, suffix] = split_suffix(tensor);
  if (suffix.empty()) return {};
  const auto layer = split_layer(stem, kBlock);
  std::vector<GgufContent> contents;
  for (const GgufName& row : layer ? architecture.layer_names : architecture.names) {
    const auto number = match(row.gguf, layer ? layer->second : stem);
    if (!number) continue;
    const std::string name =
        with_number(row.transformers, *number) + std::string(row.form == GgufForm::kBare ? "" : suffix);
    contents.push_back(
        {layer ? fmt::format("{}{}.{}", architecture.layer_prefix, layer->first, name) : name, row.form});
  }
  return contents;
}

std::int64_t gguf_layer_count(const Config& config) {
  return size_of(config, {"num_hidden_layers", "n_layer", "n_layers"});
}

std::int64_t gguf_width(const Config& config) {
  return size_of(config, {"hidden_size", "n_embd", "n_embed", "d_model"});
}

std::int64_t gguf_head_count(const Config& config) {
  return size_of(config, {"num_attention_heads", "n_head", "n_heads"});
}

GgufRowOrder gguf_row_order(const GgufArchitecture& architecture, const Config& config,
                            const GgufContent& weight, const Shape& shape, const std::string& where) {
  const std::string_view stem = split_suffix(weight.name).first;
  const bool query = stem.ends_with("q_proj"), key = stem.ends_with("k_proj");
  const std::int64_t rows = shape.rank() > 0 ? shape[0] : 0, heads = gguf_head_count(config);
  if (architecture.neighbours && (query || key)) {
    const std::int64_t own = query ? heads : config.int_or("num_key_value_heads", heads, 1);
    require(rows > 0 && rows % (2 * own) == 0, where, "expected rows for {} heads of even size, came {}", own,
            rows);
    return {.kind = GgufRowOrder::Kind::kNeighbours, .heads = own};
  }
  if (weight.form != GgufForm::kGrouped) return {};
  const std::int64_t size = gguf_width(config) / heads, groups = size == 0 ? 0 : (rows / size - heads) / 2;
  require(groups >= 1 && heads % groups == 0 && rows == (heads + 2 * groups) * size, where,
          "expected rows of queries, keys and values for {} heads of {}, came {}", heads, size, rows);
  return {.kind = GgufRowOrder::Kind::kGrouped, .heads = heads, .groups = groups};
}

std::int64_t gguf_rows_in_front(const GgufArchitecture& architecture, const Config& config) {
  constexpr std::int64_t kMostRows = 1 << 20;
  return architecture.positions_behind_padding ? config.int_or("pad_token_id", 1, 0, kMostRows) + 1 : 0;
}

Config gguf_config(const GgufFile& file, const GgufArchitecture& architecture) {
  const GgufKeys keys{file, architecture.name};
  nlohmann::json json{{"architectures", {architecture.class_name}}, {"model_type", architecture.model_type}};
  // Without them, transformers takes the ids of the vocabulary that the family began with.
  const GenerationConfig generation = gguf_generation(file);
  const auto put = [&](const char* name, std::optional<std::int64_t> id) {
    json[name] = id ? nlohmann::json(*id) : nlohmann::json();
  };
  const auto& ends = generation.eos_token_ids;
  put("bos_token_id", generation.bos_token_id);
  put("eos_token_id", ends.empty() ? std::nullopt : std::optional(ends.front()));
  put("pad_token_id", generation.pad_token_id);
  architecture.config(keys, json);
  warn_unread_keys(file, architecture);
  return Config::parse(json.dump(), file.where() + ": metadata");
}

bool has_gguf_head(const GgufFile& file) {
  return file.find("cls.output.weight") != nullptr;
}

std::optional<SentenceTransformer> gguf_sentence_transformer(const GgufFile& file,
                                                             const GgufArchitecture& architecture) {
  const GgufKeys keys{file, architecture.name};
  const auto type = keys.integer("pooling_type");
  if (!type || *type == 0 || (*type == kGgufRank && has_gguf_head(file))) return std::nullopt;
  if (*type < 1 || *type > static_cast<std::int64_t>(kGgufPoolings.size()))
    fail(ErrorCode::kUnsupported, keys.where("pooling_type"),
         "{} is not available; known are 0 (none), 1 (mean), 2 (cls), 3 (last token)", *type);
  return SentenceTransformer{.pooling = {kGgufPoolings[static_cast<std::size_t>(*type - 1)]},
                             .layers = {{.kind = SentenceLayer::Kind::kNormalize}},
                             .max_seq_length = keys.extent("context_length"),
                             .do_lower_case = false,
                             .prompts = {},
                             .default_prompt = {}};
}

}  // namespace swiftlet
