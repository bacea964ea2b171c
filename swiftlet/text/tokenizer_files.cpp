#include "swiftlet/text/tokenizer_files.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"
#include "swiftlet/text/json_view.h"

namespace swiftlet::text {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::size_t kMostBytes = std::size_t{256} << 20;

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::strict);
}

constexpr std::array<const char*, 7> kRoles = {"bos", "eos", "cls", "sep", "pad", "unk", "mask"};

// "bos_token": "<s>" or {"content": "<s>", ...}.
std::optional<std::string> role_token(const JsonView& config, const std::string& role) {
  const std::optional<JsonView> value = config.find(role + "_token");
  if (!value) return std::nullopt;
  return std::string(value->is_object() ? value->at("content").string() : value->string());
}

TokenizerSource read_folder(const fs::path& folder) {
  const fs::path config_path = folder / "tokenizer_config.json";
  const std::string config = fs::exists(config_path) ? read_text_file(config_path, kMostBytes) : "";
  if (const fs::path path = folder / "tokenizer.json"; fs::exists(path)) {
    std::string json = read_text_file(path, kMostBytes);
    return {config.empty() ? std::move(json) : with_roles(json, config, config_path.string()), path.string()};
  }
  if (const fs::path path = folder / "vocab.txt"; fs::exists(path))
    return {json_of_vocab_txt(read_text_file(path, kMostBytes), config, path.string(), config_path.string()),
            path.string()};
  if (const fs::path path = folder / "tokenizer.bin"; fs::exists(path))
    return {json_of_llama2c(read_text_file(path, kMostBytes), path.string()), path.string()};
  for (const char* name : {"tokenizer.model", "spiece.model", "merges.txt"})
    if (fs::exists(folder / name))
      fail(ErrorCode::kUnsupported, (folder / name).string(),
           "expected tokenizer.json, vocab.txt or tokenizer.bin in this folder, came only {}", name);
  fail(ErrorCode::kNotFound, folder.string(),
       "expected tokenizer.json, vocab.txt or tokenizer.bin in this folder, none is there");
}

Json special_token(std::int64_t id, const std::string& content) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

// Pieces of a TemplateProcessing.
Json special_piece(const std::string& token, int type_id) {
  return {{"SpecialToken", {{"id", token}, {"type_id", type_id}}}};
}
Json text_piece(const char* name, int type_id) {
  return {{"Sequence", {{"id", name}, {"type_id", type_id}}}};
}
Json special_ids(const std::string& token, std::int64_t id) {
  return {{"id", token}, {"ids", {id}}, {"tokens", {token}}};
}

// Reads numbers and text from the front of a byte string.
class Reader {
 public:
  Reader(const std::string& bytes, const std::string& where) : bytes_(bytes), where_(where) {}
  bool at_end() const { return at_ == bytes_.size(); }
  template <class T>
  T number(std::string_view what) {
    T value;
    std::memcpy(&value, take(sizeof value, what), sizeof value);
    return value;
  }
  std::string text(std::size_t size, std::string_view what) { return std::string(take(size, what), size); }

 private:
  const char* take(std::size_t size, std::string_view what) {
    require(bytes_.size() - at_ >= size, where_, "expected {} of {} bytes at byte {}, the file ends at {}",
            what, size, at_, bytes_.size());
    at_ += size;
    return bytes_.data() + at_ - size;
  }
  const std::string& bytes_;
  const std::string& where_;
  std::size_t at_ = 0;
};

}  // namespace

TokenizerSource read_tokenizer_source(const fs::path& path) {
  if (fs::is_directory(path)) return read_folder(path);
  std::string bytes = read_text_file(path, kMostBytes);
  const std::string where = path.string();
  if (path.extension() == ".bin") return {json_of_llama2c(bytes, where), where};
  if (path.extension() == ".txt") return {json_of_vocab_txt(bytes, "", where, ""), where};
  if (path.extension() == ".model")
    fail(ErrorCode::kUnsupported, where, "SentencePiece models are not read yet (expected a tokenizer.json)");
  return {std::move(bytes), where};
}

std::string json_of(const swiftlet::TokenizerSource& source) {
  const std::string config = source.config.json().empty() ? "" : source.config.json().dump();
  const std::string& config_where = source.config.where();
  std::string bytes(source.text());
  switch (source.kind) {
    case TokenizerKind::kTokenizerJson:
      return config.empty() ? std::move(bytes) : with_roles(bytes, config, config_where);
    case TokenizerKind::kVocabText:
      return json_of_vocab_txt(bytes, config, source.where, config_where);
    case TokenizerKind::kLlama2c:
      return json_of_llama2c(bytes, source.where);
    case TokenizerKind::kNone:
      break;
  }
  fail(ErrorCode::kNotFound, source.where, "there is no tokenizer");
}

std::string with_roles(const std::string& json, const std::string& config, const std::string& config_where) {
  const JsonDocument document(config, config_where);
  Json roles = Json::object();
  for (const char* role : kRoles)
    if (const auto token = role_token(document.root(), role)) roles[role] = *token;
  Json extra = {{"roles", roles}};
  if (document.root().boolean_or("split_special_tokens", false)) extra["split_special_tokens"] = true;
  const std::size_t brace = json.find_first_not_of(" \t\r\n");
  if (brace == std::string::npos || json[brace] != '{') return json;  // the parser will tell
  const std::size_t first = json.find_first_not_of(" \t\r\n", brace + 1);
  const bool empty = first == std::string::npos || json[first] == '}';
  return fmt::format("{{\"swiftlet\":{}{}{}", dump(extra), empty ? "" : ",", json.substr(brace + 1));
}

std::string json_of_vocab_txt(const std::string& vocab, const std::string& config, const std::string& where,
                              const std::string& config_where) {
  const JsonDocument document(config.empty() ? "{}" : config, config_where);
  const JsonView options = document.root();
  std::vector<std::pair<std::string, std::int64_t>> tokens;
  for (std::size_t at = 0; at < vocab.size();) {
    const std::size_t end = std::min(vocab.find('\n', at), vocab.size());
    std::string token = vocab.substr(at, end - at);
    if (token.ends_with('\r')) token.pop_back();
    require(simdjson::validate_utf8(token), where, "expected UTF-8, line {} is {}", tokens.size() + 1,
            shown(token));
    tokens.emplace_back(std::move(token), static_cast<std::int64_t>(tokens.size()));
    at = end + 1;
  }
  const auto id_of = [&](const std::string& token) {
    const auto found =
        std::find_if(tokens.begin(), tokens.end(), [&](const auto& t) { return t.first == token; });
    require(found != tokens.end(), where, "expected the special token {} among {} lines, it is not there",
            shown(token), tokens.size());
    return found->second;
  };
  const std::string unk = role_token(options, "unk").value_or("[UNK]");
  const std::string cls = role_token(options, "cls").value_or("[CLS]");
  const std::string sep = role_token(options, "sep").value_or("[SEP]");
  Json added = Json::array();
  for (const auto& [token, id] : tokens)
    if (token == unk || token == cls || token == sep ||
        token == role_token(options, "pad").value_or("[PAD]") ||
        token == role_token(options, "mask").value_or("[MASK]"))
      added.push_back(special_token(id, token));
  const std::optional<JsonView> strip_accents = options.find("strip_accents");
  Json json;
  json["version"] = "1.0";
  json["added_tokens"] = std::move(added);
  json["normalizer"] = {{"type", "BertNormalizer"},
                        {"clean_text", true},
                        {"handle_chinese_chars", options.boolean_or("tokenize_chinese_chars", true)},
                        {"strip_accents", strip_accents ? Json(strip_accents->boolean()) : Json()},
                        {"lowercase", options.boolean_or("do_lower_case", true)}};
  json["pre_tokenizer"] = {{"type", "BertPreTokenizer"}};
  json["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single", {special_piece(cls, 0), text_piece("A", 0), special_piece(sep, 0)}},
      {"pair",
       {special_piece(cls, 0), text_piece("A", 0), special_piece(sep, 0), text_piece("B", 1),
        special_piece(sep, 1)}},
      {"special_tokens", {{cls, special_ids(cls, id_of(cls))}, {sep, special_ids(sep, id_of(sep))}}}};
  json["decoder"] = {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}};
  // Written by hand: an ordered_json object searches all its members on every insertion.
  std::string members;
  for (const auto& [token, id] : tokens)
    members += fmt::format("{}{}:{}", members.empty() ? "" : ",", dump(Json(token)), id);
  std::string text = dump(json);
  text.pop_back();
  return text + fmt::format(
                    ",\"model\":{{\"type\":\"WordPiece\",\"unk_token\":{},\"continuing_subword_prefix\":"
                    "\"##\",\"max_input_chars_per_word\":100,\"vocab\":{{{}}}}}}}",
                    dump(Json(unk)), members);
}

// The file: i32 longest token, then for each token f32 score, i32 length, text. Token 0 is unknown, 1 begins
// and 2 ends a text, 3 to 258 are the bytes <0x00> to <0xFF>; spaces are spaces.
std::string json_of_llama2c(const std::string& bytes, const std::string& where) {
  Reader reader(bytes, where);
  const auto longest = reader.number<std::int32_t>("the longest token's length");
  require(longest > 0 && longest <= 1 << 16, where, "expected a longest token of 1 to 65536 bytes, came {}",
          longest);
  Json vocab = Json::array();
  while (!reader.at_end()) {
    const auto score = reader.number<float>("a score");
    const auto length = reader.number<std::int32_t>("a length");
    require(length >= 0 && length <= longest, where, "expected token {} to have at most {} bytes, came {}",
            vocab.size(), longest, length);
    const std::string token = reader.text(static_cast<std::size_t>(length), "a token");
    require(std::isfinite(score), where, "expected a finite score of token {}, came {}", vocab.size(), score);
    require(simdjson::validate_utf8(token), where, "expected token {} in UTF-8, came {}", vocab.size(),
            shown(token));
    vocab.push_back({token, score});
  }
  require(vocab.size() >= 3, where, "expected at least 3 tokens, came {}", vocab.size());
  const auto name = [&](int id) { return vocab[static_cast<std::size_t>(id)][0].get<std::string>(); };
  Json json;
  json["version"] = "1.0";
  json["swiftlet"] = {{"roles", {{"bos", name(1)}, {"eos", name(2)}, {"unk", name(0)}}},
                      {"split_special_tokens", true}};
  json["added_tokens"] = {special_token(0, name(0)), special_token(1, name(1)), special_token(2, name(2))};
  json["normalizer"] = {{"type", "Prepend"}, {"prepend", " "}};
  json["pre_tokenizer"] = nullptr;
  json["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single", {special_piece(name(1), 0), text_piece("A", 0)}},
      {"pair",
       {special_piece(name(1), 0), text_piece("A", 0), special_piece(name(1), 1), text_piece("B", 1)}},
      {"special_tokens", {{name(1), special_ids(name(1), 1)}}}};
  json["decoder"] = {{"type", "Sequence"},
                     {"decoders",
                      {{{"type", "ByteFallback"}},
                       {{"type", "Fuse"}},
                       {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}};
  json["model"] = {{"type", "ScoredBPE"}, {"unk_token", name(0)}, {"byte_fallback", true}};
  json["model"]["vocab"] = std::move(vocab);
  return dump(json);
}

}  // namespace swiftlet::text
