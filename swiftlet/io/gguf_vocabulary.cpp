#include "swiftlet/io/gguf_vocabulary.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "swiftlet/core/error.h"
#include "swiftlet/io/json.h"

namespace swiftlet {
namespace {

constexpr std::size_t kMostTokens = std::size_t{1} << 24;

std::optional<std::int64_t> find(const GgufVocabulary& vocabulary, std::string_view token) {
  const auto found = std::find(vocabulary.tokens.begin(), vocabulary.tokens.end(), token);
  if (found == vocabulary.tokens.end()) return std::nullopt;
  return found - vocabulary.tokens.begin();
}

std::vector<GgufTokenType> read_types(const GgufFile& file, std::size_t count) {
  constexpr std::string_view kKey = "tokenizer.ggml.token_type";
  const std::vector<std::int64_t> numbers = file.integers(kKey);
  require(numbers.empty() || numbers.size() == count, file.where_key(kKey),
          "expected one type for each of {} tokens, came {}", count, numbers.size());
  std::vector<GgufTokenType> types(count, GgufTokenType::kNormal);
  std::transform(numbers.begin(), numbers.end(), types.begin(),
                 [](std::int64_t number) { return static_cast<GgufTokenType>(number); });
  return types;
}

// The id of a role, where it names a token: files write -1 or 2^32 - 1 for none.
std::optional<std::int64_t> id_of(const GgufFile& file, std::initializer_list<std::string_view> keys,
                                  std::size_t tokens) {
  for (const std::string_view key : keys) {
    const auto id = file.integer(key);
    if (!id || *id == -1 || *id == 0xffffffff) continue;
    require(*id >= 0 && static_cast<std::size_t>(*id) < tokens, file.where_key(key),
            "expected one of {} tokens, came {}", tokens, *id);
    return id;
  }
  return std::nullopt;
}

// What files of these models leave out.
void add_usual_roles(GgufVocabulary& vocabulary, const GgufFile& file) {
  const auto model = gguf_tokenizer_model(file);
  if (model == "llama" && vocabulary.tokens.size() >= 3) {  // as SentencePiece has it
    vocabulary.unk = vocabulary.unk.value_or(0);
    if (!file.has("tokenizer.ggml.bos_token_id")) vocabulary.bos = 1;
    if (!file.has("tokenizer.ggml.eos_token_id")) vocabulary.eos = 2;
  }
  if (model == "t5" && vocabulary.tokens.size() >= 3) {
    vocabulary.unk = vocabulary.unk.value_or(2);
    if (!file.has("tokenizer.ggml.eos_token_id")) vocabulary.eos = 1;
    if (!file.has("tokenizer.ggml.padding_token_id")) vocabulary.pad = 0;
  }
  if (model == "bert") {
    if (!vocabulary.cls) vocabulary.cls = vocabulary.bos ? vocabulary.bos : find(vocabulary, "[CLS]");
    if (!vocabulary.sep) vocabulary.sep = vocabulary.eos ? vocabulary.eos : find(vocabulary, "[SEP]");
    if (!vocabulary.unk) vocabulary.unk = find(vocabulary, "[UNK]");
    if (!vocabulary.pad) vocabulary.pad = find(vocabulary, "[PAD]");
    if (!vocabulary.mask) vocabulary.mask = find(vocabulary, "[MASK]");
  }
}

void check_utf8(std::string_view text, const GgufFile& file, std::string_view key) {
  try {
    static_cast<void>(nlohmann::json(text).dump());
  } catch (const nlohmann::json::type_error&) {
    fail(ErrorCode::kInvalid, file.where_key(key), "expected UTF-8, came \"{}\"", printable(text));
  }
}

std::string read_template(const GgufFile& file, std::string_view key) {
  const std::string_view text = file.text(key).value_or("");
  check_utf8(text, file, key);
  return std::string(text);
}

}  // namespace

std::optional<std::string_view> gguf_tokenizer_model(const GgufFile& file) {
  const auto name = file.text("tokenizer.ggml.model");
  return name == "none" || name == "no_vocab" ? std::nullopt : name;
}

TokenizerSource gguf_tokenizer(std::shared_ptr<const GgufFile> file) {
  TokenizerSource source;
  if (!gguf_tokenizer_model(*file)) {
    source.where = file->where() + ": the file has no tokenizer";
    return source;
  }
  source.kind = TokenizerKind::kGguf;
  source.where = file->where() + ": tokenizer";
  source.gguf = std::move(file);
  return source;
}

GgufVocabulary read_gguf_vocabulary(const GgufFile& file) {
  GgufVocabulary vocabulary;
  vocabulary.tokens = file.texts(kGgufTokensKey);
  const std::size_t count = vocabulary.tokens.size();
  require(count >= 1 && count <= kMostTokens, file.where_key(kGgufTokensKey),
          "expected from 1 to {} tokens, came {}", kMostTokens, count);
  vocabulary.types = read_types(file, count);
  vocabulary.bos = id_of(file, {"tokenizer.ggml.bos_token_id"}, count);
  vocabulary.eos = id_of(file, {"tokenizer.ggml.eos_token_id"}, count);
  vocabulary.unk = id_of(file, {"tokenizer.ggml.unknown_token_id"}, count);
  vocabulary.pad = id_of(file, {"tokenizer.ggml.padding_token_id"}, count);
  vocabulary.mask = id_of(file, {"tokenizer.ggml.mask_token_id"}, count);
  // "seperator" is how the format spells it.
  vocabulary.sep =
      id_of(file, {"tokenizer.ggml.seperator_token_id", "tokenizer.ggml.separator_token_id"}, count);
  vocabulary.cls = id_of(file, {"tokenizer.ggml.cls_token_id"}, count);
  add_usual_roles(vocabulary, file);
  vocabulary.add_bos = file.boolean("tokenizer.ggml.add_bos_token");
  vocabulary.add_eos = file.boolean("tokenizer.ggml.add_eos_token");
  return vocabulary;
}

GenerationConfig gguf_generation(const GgufFile& file) {
  constexpr std::array<std::string_view, 10> kEnds{
      "<|eot_id|>",      "<|im_end|>", "<|end|>",         "<end_of_turn>", "<|endoftext|>",
      "<|end_of_text|>", "<|eom_id|>", "<|end_of_turn|>", "<EOT>",         "<|end_of_message|>"};
  GenerationConfig generation;
  if (!file.has(kGgufTokensKey)) return generation;
  const GgufVocabulary vocabulary = read_gguf_vocabulary(file);
  generation.bos_token_id = vocabulary.bos;
  generation.pad_token_id = vocabulary.pad;
  std::vector<std::int64_t>& ends = generation.eos_token_ids;
  const auto add = [&](std::optional<std::int64_t> id) {
    if (id && std::find(ends.begin(), ends.end(), *id) == ends.end()) ends.push_back(*id);
  };
  add(vocabulary.eos);
  add(id_of(file, {"tokenizer.ggml.eot_token_id"}, vocabulary.tokens.size()));
  add(id_of(file, {"tokenizer.ggml.eom_token_id"}, vocabulary.tokens.size()));
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const GgufTokenType type = vocabulary.types[id];
    const bool special = type == GgufTokenType::kControl || type == GgufTokenType::kUserDefined;
    if (special && std::find(kEnds.begin(), kEnds.end(), vocabulary.tokens[id]) != kEnds.end())
      add(static_cast<std::int64_t>(id));
  }
  return generation;
}

std::string gguf_chat_template(const GgufFile& file) {
  return read_template(file, kGgufTemplateKey);
}

std::map<std::string, std::string> gguf_named_templates(const GgufFile& file) {
  std::map<std::string, std::string> templates;
  const std::string prefix = fmt::format("{}.", kGgufTemplateKey);
  for (const auto& [key, value] : file.values()) {
    if (!key.starts_with(prefix) || key.size() == prefix.size()) continue;
    check_utf8(key, file, key);
    templates.emplace(key.substr(prefix.size()), read_template(file, key));
  }
  return templates;
}

}  // namespace swiftlet
