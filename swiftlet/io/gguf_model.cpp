#include "swiftlet/io/gguf_model.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

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

const GgufName* find_name(std::span<const GgufName> names, std::string_view stem) {
  const auto found =
      std::find_if(names.begin(), names.end(), [&](const GgufName& name) { return name.gguf == stem; });
  return found == names.end() ? nullptr : &*found;
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
    const bool fits = row.vocabulary.empty() || row.vocabulary == vocabulary;
    if (row.name == *name && row.mixture == (experts > 0) && fits) return row;
    if (row.name == *name)
      named = true;
    else if (!known.ends_with(row.name))
      known += fmt::format("{}{}", known.empty() ? "" : ", ", row.name);
  }
  if (named && experts > 0)
    fail(ErrorCode::kUnsupported, keys.where("expert_count"),
         "a mixture of experts ({}) is not available for '{}'", experts, *name);
  if (named) fail(ErrorCode::kInvalid, keys.where("expert_count"), "is missing: '{}' has experts", *name);
  fail(ErrorCode::kUnsupported, file.where_key(kKey), "'{}' is not available; known are {}", printable(*name),
       known);
}

const GgufArchitecture& find_gguf_architecture(const Config& config) {
  const std::string type = config.require_string("model_type");
  // Mistral is what Llama is, but for windows that the first ones had.
  const std::string_view written = type == "mistral" ? "llama" : std::string_view(type);
  std::string known;
  for (const GgufArchitecture& row : gguf_architectures()) {
    if (row.write == nullptr) continue;
    if (row.model_type == written) return row;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", row.model_type);
  }
  fail(ErrorCode::kUnsupported, config.where() + ": model_type",
       "'{}' cannot be written to GGUF; known are {}, mistral", printable(type), known);
}

std::optional<std::string> gguf_name(const GgufArchitecture& architecture, std::string_view name) {
  if (name.starts_with(architecture.root)) name.remove_prefix(architecture.root.size());
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view suffix = name.substr(dot);
  std::string_view stem = name.substr(0, dot);
  const auto called = [&](std::span<const GgufName> names) {
    return std::find_if(names.begin(), names.end(),
                        [&](const GgufName& row) { return row.transformers == stem; });
  };
  if (!stem.starts_with(architecture.layer_prefix)) {
    const auto found = called(architecture.names);
    if (found == architecture.names.end()) return std::nullopt;
    return fmt::format("{}{}", found->gguf, suffix);
  }
  stem.remove_prefix(architecture.layer_prefix.size());
  const std::size_t end = stem.find('.');
  if (end == 0 || end == std::string_view::npos) return std::nullopt;
  const std::string_view layer = stem.substr(0, end);
  if (!std::all_of(layer.begin(), layer.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  stem.remove_prefix(end + 1);
  const auto found = called(architecture.layer_names);
  if (found == architecture.layer_names.end()) return std::nullopt;
  return fmt::format("blk.{}.{}{}", layer, found->gguf, suffix);
}

std::optional<std::string> transformers_name(const GgufArchitecture& architecture, std::string_view name) {
  constexpr std::string_view kBlock = "blk.";
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view stem = name.substr(0, dot), suffix = name.substr(dot);
  if (!stem.starts_with(kBlock)) {
    const GgufName* found = find_name(architecture.names, stem);
    if (found == nullptr) return std::nullopt;
    return fmt::format("{}{}", found->transformers, suffix);
  }
  unsigned layer = 0;
  const char* end = stem.data() + stem.size();
  const auto [after, error] = std::from_chars(stem.data() + kBlock.size(), end, layer);
  if (error != std::errc() || after == end || *after != '.') return std::nullopt;
  const std::string_view part(after + 1, static_cast<std::size_t>(end - after - 1));
  const GgufName* found = find_name(architecture.layer_names, part);
  if (found == nullptr) return std::nullopt;
  return fmt::format("{}{}.{}{}", architecture.layer_prefix, layer, found->transformers, suffix);
}

std::int64_t gguf_neighbour_heads(const GgufArchitecture& architecture, const Config& config,
                                  std::string_view name, const Shape& shape, const std::string& where) {
  if (!architecture.neighbours) return 0;
  const std::size_t part = name.find(".attn_");
  if (part == std::string_view::npos) return 0;
  const std::string_view what = name.substr(part + 6);
  const bool query = what == "q.weight" || what == "q.bias", key = what == "k.weight" || what == "k.bias";
  if (!query && !key) return 0;
  const std::int64_t all = config.require_int("num_attention_heads", 1);
  const std::int64_t heads = query ? all : config.int_or("num_key_value_heads", all, 1);
  const std::int64_t rows = shape.rank() > 0 ? shape[0] : 0;
  require(rows > 0 && rows % (2 * heads) == 0, where, "expected rows for {} heads of even size, came {}",
          heads, rows);
  return heads;
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
