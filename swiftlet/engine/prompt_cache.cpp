#include "swiftlet/engine/prompt_cache.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "swiftlet/core/error.h"
#include "swiftlet/io/json.h"
#include "swiftlet/io/sha256.h"
#include "swiftlet/kernels/kernel_table.h"

namespace swiftlet {
namespace {

constexpr std::string_view kFormat = "swiftlet-prompt-cache";
constexpr int kVersion = 2;  // 1: bf16 keys and values were not in words of two
constexpr const char* kChecksum = "sha256";
constexpr const char* kLength = "length";

SafetensorsMetadata metadata_of(const PromptCacheKind& kind) {
  return {{"format", std::string(kFormat)}, {"version", std::to_string(kVersion)}, {"model", kind.model},
          {"precision", kind.precision},    {"instructions", kind.instructions},   {"cache", kind.cache}};
}

// Tensors follow the metadata.
Sha256 start_hash(SafetensorsMetadata metadata) {
  metadata.erase(kChecksum);
  Sha256 hash;
  for (const auto& [key, value] : metadata) hash.update(fmt::format("{}={}\n", key, value));
  return hash;
}

std::vector<SafetensorsDeclaration> declarations(const PromptCacheKind& kind, std::int64_t tokens) {
  std::vector<SafetensorsDeclaration> declared{{"tokens", DType::kI32, Shape{tokens}}};
  for (std::size_t i = 0; i < kind.layers.size(); ++i) {
    const auto blocks = [&](std::size_t bytes) {
      return Shape{cache_blocks_for(tokens), static_cast<std::int64_t>(bytes)};
    };
    declared.push_back({fmt::format("layers.{}.keys", i), DType::kU8, blocks(kind.layers[i].keys)});
    declared.push_back({fmt::format("layers.{}.values", i), DType::kU8, blocks(kind.layers[i].values)});
  }
  return declared;
}

std::string metadatum(const SafetensorsFile& file, std::string_view key) {
  const auto found = file.metadata().find(key);
  return found == file.metadata().end() ? "" : found->second;
}

void check_kind(const SafetensorsFile& file, const PromptCacheKind& kind) {
  require(metadatum(file, "format") == kFormat, file.where(), "is no prompt cache");
  const std::string text = metadatum(file, "version");
  int version = 0;
  std::from_chars(text.data(), text.data() + text.size(), version);
  require(version > 0, file.where(), "is a prompt cache without a version");
  if (version != kVersion)
    fail(ErrorCode::kUnsupported, file.where(), "is a prompt cache of version {}, only {} is read", version,
         kVersion);
  require(metadatum(file, "model") == kind.model, file.where(),
          "is the prompt cache of another model: remove it, or name another file");
  const auto same = [&](const char* key, const std::string& now) {
    const std::string then = metadatum(file, key);
    const auto shown = [](const std::string& value) {
      return value.empty() ? "as stored" : printable(value);
    };
    require(then == now, fmt::format("{}: {}", file.where(), key),
            "was {} when the prompt cache was made, is {} now", shown(then), shown(now));
  };
  same("precision", kind.precision);
  same("instructions", kind.instructions);
  same("cache", kind.cache);
}

// The entry, of exactly this type and shape.
const SafetensorsEntry& entry_of(const SafetensorsFile& file, const SafetensorsDeclaration& declared) {
  const SafetensorsEntry* entry = file.find(declared.name);
  if (entry == nullptr) fail(ErrorCode::kInvalid, file.where(declared.name), "is missing");
  require(entry->dtype == declared.dtype && entry->shape == declared.shape, file.where(declared.name),
          "expected {} {}, came {} {}", safetensors_dtype(declared.dtype), declared.shape.to_string(),
          safetensors_dtype(entry->dtype), entry->shape.to_string());
  return *entry;
}

void check_hash(const SafetensorsFile& file, const std::vector<SafetensorsDeclaration>& declared) {
  Sha256 hash = start_hash(file.metadata());
  for (const SafetensorsDeclaration& tensor : declared)
    hash.update(file.bytes(*file.find(tensor.name)).bytes());
  file.check_file();
  const std::string got = hash.finish(), expected = metadatum(file, kChecksum);
  require(got == expected, file.where(), "is damaged: its checksum is {}, expected {}", got,
          printable(expected));
}

// A few places of a weight, so that it need not be read whole.
void hash_weight(Sha256& hash, const Weight& weight) {
  hash.update(fmt::format("{} {} {}\n", weight.name, weight.shape.to_string(), to_string(weight.encoding)));
  constexpr std::size_t kPlaces = 8, kBytes = 64;
  const std::span<const std::byte> codes = weight.codes.bytes();
  const std::size_t length = std::min(kBytes, codes.size());
  for (std::size_t i = 0; i < kPlaces; ++i)
    hash.update(codes.subspan((codes.size() - length) / (kPlaces - 1) * i, length));
}

}  // namespace

PromptCacheKind prompt_cache_kind(const LoadedModel& model, const PagedCache& cache) {
  Sha256 hash;
  hash.update(model.checkpoint.config.json().dump());
  for (const std::string& name : model.weights->names()) hash_weight(hash, model.weights->get(name));
  const kernels::KernelTable& table =
      model.options.table != nullptr ? *model.options.table : kernels::default_table();
  return {.model = hash.finish(),
          .precision = model.options.precision ? std::string(to_string(*model.options.precision)) : "",
          .instructions = std::string(table.isa),
          .cache = std::string(safetensors_dtype(cache.dtype())),
          .layers = cache.block_bytes(),
          .vocab_size = model.built.vocab_size};
}

PromptCacheFile parse_prompt_cache(const SafetensorsFile& file, const PromptCacheKind& kind) {
  check_kind(file, kind);
  const SafetensorsEntry* tokens = file.find("tokens");
  require(
      tokens != nullptr && tokens->dtype == DType::kI32 && tokens->shape.rank() == 1 && tokens->shape[0] > 0,
      file.where("tokens"), "expected a list of I32");
  const auto declared = declarations(kind, tokens->shape[0]);
  require(file.entries().size() == declared.size(), file.where(), "expected {} tensors, came {}",
          declared.size(), file.entries().size());
  PromptCacheFile cache;
  for (std::size_t i = 1; i < declared.size(); ++i)
    (i % 2 == 1 ? cache.keys : cache.values).push_back(file.bytes(entry_of(file, declared[i])));
  check_hash(file, declared);
  const Tensor ids = file.tensor(*tokens);
  cache.tokens.assign(ids.data<std::int32_t>(), ids.data<std::int32_t>() + tokens->shape[0]);
  cache.length = std::ssize(cache.tokens);
  if (const std::string length = metadatum(file, kLength); !length.empty())
    std::from_chars(length.data(), length.data() + length.size(), cache.length);
  require(cache.length >= std::ssize(cache.tokens), file.where(), "is of a sequence of {} tokens and has {}",
          cache.length, cache.tokens.size());
  for (const std::int32_t id : cache.tokens)
    require(id >= 0 && id < kind.vocab_size, file.where("tokens"), "{} is no token of the model", id);
  return cache;
}

void write_prompt_cache(const std::filesystem::path& path, const PromptCacheKind& kind,
                        const PagedCache& cache, std::span<const std::int32_t> tokens, std::int64_t length,
                        std::span<const std::int32_t> blocks) {
  SafetensorsMetadata metadata = metadata_of(kind);
  if (length > std::ssize(tokens)) metadata[kLength] = std::to_string(length);
  Sha256 hash = start_hash(metadata);
  metadata[kChecksum] = std::string(kSha256Digits, '0');  // as long as what takes its place
  const auto declared = declarations(kind, std::ssize(tokens));
  blocks = blocks.first(static_cast<std::size_t>(cache_blocks_for(std::ssize(tokens))));
  SafetensorsWriter writer(path, declared, metadata);
  const auto append = [&](std::span<const std::byte> bytes) {
    hash.update(bytes);
    writer.append(bytes);
  };
  writer.begin("tokens");
  append(std::as_bytes(tokens));
  for (std::size_t layer = 0; layer < kind.layers.size(); ++layer) {
    writer.begin(declared[1 + 2 * layer].name);
    for (const std::int32_t block : blocks) append(cache.keys(layer, block));
    writer.begin(declared[2 + 2 * layer].name);
    for (const std::int32_t block : blocks) append(cache.values(layer, block));
  }
  metadata[kChecksum] = hash.finish();
  writer.rewrite_header(writer.header_with(metadata));
  writer.commit();
}

}  // namespace swiftlet
