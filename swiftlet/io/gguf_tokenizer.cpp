#include "swiftlet/io/gguf_tokenizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <utility>

#include "swiftlet/core/error.h"
#include "swiftlet/core/log.h"
#include "swiftlet/io/gguf_pretokenizers.h"
#include "swiftlet/io/json.h"

namespace swiftlet {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostTokens = std::size_t{1} << 24;

// tokenizer.ggml.token_type
enum TokenType : std::int64_t { kUndefined, kNormal, kUnknown, kControl, kUserDefined, kUnused, kByte };

constexpr std::string_view kTokensKey = "tokenizer.ggml.tokens";

struct Vocabulary {
  std::vector<std::string_view> tokens;
  std::vector<std::int64_t> types;

  std::optional<std::int64_t> find(std::string_view token) const {
    const auto found = std::find(tokens.begin(), tokens.end(), token);
    return found == tokens.end() ? std::nullopt : std::optional(found - tokens.begin());
  }
  std::string_view token(std::int64_t id) const { return tokens[static_cast<std::size_t>(id)]; }
};

// A string as JSON. Most tokens need no escapes.
std::string quoted(std::string_view text, const std::string& where) {
  const bool plain = std::all_of(text.begin(), text.end(),
                                 [](char c) { return c >= ' ' && c < 127 && c != '"' && c != '\\'; });
  if (plain) return fmt::format("\"{}\"", text);
  try {
    return Json(text).dump();
  } catch (const Json::type_error&) {
    fail(ErrorCode::kInvalid, where, "expected UTF-8, came \"{}\"", printable(text));
  }
}

// "[1,2]" or "{1,2}" of many parts, which an ordered_json object would search through on every insertion.
class JsonList {
 public:
  explicit JsonList(char open) : text_(1, open) {}
  void add(std::string_view part) {
    if (text_.size() > 1) text_ += ',';
    text_ += part;
  }
  std::string close(char bracket) && { return std::move(text_) + bracket; }

 private:
  std::string text_;
};

Vocabulary read_vocabulary(const GgufFile& file) {
  Vocabulary vocabulary{file.texts(kTokensKey), file.integers("tokenizer.ggml.token_type")};
  const std::size_t count = vocabulary.tokens.size();
  require(count >= 1 && count <= kMostTokens, file.where_key(kTokensKey),
          "expected from 1 to {} tokens, came {}", kMostTokens, count);
  require(vocabulary.types.empty() || vocabulary.types.size() == count,
          file.where_key("tokenizer.ggml.token_type"), "expected one type for each of {} tokens, came {}",
          count, vocabulary.types.size());
  vocabulary.types.resize(count, kNormal);
  return vocabulary;
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

struct Roles {
  std::optional<std::int64_t> bos, eos, unk, pad, cls, sep, mask;
  bool add_bos = false, add_eos = false;
};

Roles read_roles(const GgufFile& file, const Vocabulary& vocabulary, bool scored, bool word_piece,
                 bool add_bos) {
  const std::size_t count = vocabulary.tokens.size();
  Roles roles;
  roles.bos = id_of(file, {"tokenizer.ggml.bos_token_id"}, count);
  roles.eos = id_of(file, {"tokenizer.ggml.eos_token_id"}, count);
  roles.unk = id_of(file, {"tokenizer.ggml.unknown_token_id"}, count);
  roles.pad = id_of(file, {"tokenizer.ggml.padding_token_id"}, count);
  roles.mask = id_of(file, {"tokenizer.ggml.mask_token_id"}, count);
  // "seperator" is how the format spells it.
  roles.sep = id_of(file, {"tokenizer.ggml.seperator_token_id", "tokenizer.ggml.separator_token_id"}, count);
  roles.cls = id_of(file, {"tokenizer.ggml.cls_token_id"}, count);
  if (scored && count >= 3) {  // what such files leave out, as SentencePiece has it
    roles.unk = roles.unk.value_or(0);
    if (!file.has("tokenizer.ggml.bos_token_id")) roles.bos = 1;
    if (!file.has("tokenizer.ggml.eos_token_id")) roles.eos = 2;
  }
  if (word_piece) {
    if (!roles.cls) roles.cls = roles.bos ? roles.bos : vocabulary.find("[CLS]");
    if (!roles.sep) roles.sep = roles.eos ? roles.eos : vocabulary.find("[SEP]");
    if (!roles.unk) roles.unk = vocabulary.find("[UNK]");
    if (!roles.pad) roles.pad = vocabulary.find("[PAD]");
    if (!roles.mask) roles.mask = vocabulary.find("[MASK]");
  }
  roles.add_bos = file.boolean("tokenizer.ggml.add_bos_token").value_or(add_bos);
  roles.add_eos = file.boolean("tokenizer.ggml.add_eos_token").value_or(false);
  return roles;
}

Json special_piece(std::string_view token, int type_id) {
  return {{"SpecialToken", {{"id", token}, {"type_id", type_id}}}};
}
Json text_piece(const char* name, int type_id) {
  return {{"Sequence", {{"id", name}, {"type_id", type_id}}}};
}

// before A after, before A after B after
Json template_of(const Vocabulary& vocabulary, std::optional<std::int64_t> before,
                 std::optional<std::int64_t> after, bool repeat_before) {
  if (!before && !after) return nullptr;
  Json single = Json::array(), pair = Json::array(), ids = Json::object();
  const auto put = [&](Json& list, std::optional<std::int64_t> id, int type) {
    if (!id) return;
    const std::string token(vocabulary.token(*id));
    list.push_back(special_piece(token, type));
    ids[token] = {{"id", token}, {"ids", {*id}}, {"tokens", {token}}};
  };
  for (Json* list : {&single, &pair}) {
    put(*list, before, 0);
    list->push_back(text_piece("A", 0));
    put(*list, after, 0);
  }
  if (repeat_before) put(pair, before, 1);
  pair.push_back(text_piece("B", 1));
  put(pair, after, 1);
  return {{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", ids}};
}

Json roles_json(const Vocabulary& vocabulary, const Roles& roles) {
  Json json = Json::object();
  const auto put = [&](const char* name, std::optional<std::int64_t> id) {
    if (id) json[name] = std::string(vocabulary.token(*id));
  };
  put("bos", roles.bos);
  put("eos", roles.eos);
  put("cls", roles.cls);
  put("sep", roles.sep);
  put("pad", roles.pad);
  put("unk", roles.unk);
  put("mask", roles.mask);
  return json;
}

// Control tokens and those that the user added are found in the text before the model sees it.
std::string added_tokens(const GgufFile& file, const Vocabulary& vocabulary) {
  JsonList list('[');
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const std::int64_t type = vocabulary.types[id];
    if (type != kControl && type != kUserDefined && type != kUnknown) continue;
    list.add(fmt::format(R"({{"id":{},"content":{},"single_word":false,"lstrip":false,"rstrip":false,)"
                         R"("normalized":false,"special":{}}})",
                         id, quoted(vocabulary.tokens[id], file.where_key(kTokensKey)),
                         type != kUserDefined));
  }
  return std::move(list).close(']');
}

// The parts of a tokenizer.json. `model` is JSON text without its closing brace and vocabulary.
std::string assemble(const GgufFile& file, const Vocabulary& vocabulary, const Roles& roles,
                     const Json& small, const std::string& model) {
  Json head;
  head["version"] = "1.0";
  head["swiftlet"] = {{"roles", roles_json(vocabulary, roles)}};
  head.update(small);
  std::string text;
  try {
    text = head.dump();
  } catch (const Json::type_error&) {
    fail(ErrorCode::kInvalid, file.where_key(kTokensKey), "expected special tokens in UTF-8");
  }
  text.pop_back();
  return fmt::format("{},\"added_tokens\":{},\"model\":{}}}", text, added_tokens(file, vocabulary), model);
}

// An object {"token": id}; tokens that come twice are refused where the text is read.
std::string vocabulary_object(const GgufFile& file, const Vocabulary& vocabulary) {
  JsonList members('{');
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id)
    members.add(fmt::format("{}:{}", quoted(vocabulary.tokens[id], file.where_key(kTokensKey)), id));
  return std::move(members).close('}');
}

std::string scored_json(const GgufFile& file, const Vocabulary& vocabulary) {
  constexpr std::string_view kScoresKey = "tokenizer.ggml.scores";
  const std::vector<double> scores = file.numbers(kScoresKey);
  require(scores.size() == vocabulary.tokens.size(), file.where_key(kScoresKey),
          "expected a score for each of {} tokens, came {}", vocabulary.tokens.size(), scores.size());
  const Roles roles = read_roles(file, vocabulary, true, false, true);
  require(roles.unk.has_value(), file.where_key("tokenizer.ggml.unknown_token_id"),
          "expected the unknown token");
  const bool prefix = file.boolean("tokenizer.ggml.add_space_prefix").value_or(true);
  Json normalizers = Json::array(), decoders = Json::array();
  if (prefix) normalizers.push_back({{"type", "Prepend"}, {"prepend", "▁"}});
  normalizers.push_back({{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "▁"}});
  decoders.push_back({{"type", "Replace"}, {"pattern", {{"String", "▁"}}}, {"content", " "}});
  decoders.push_back({{"type", "ByteFallback"}});
  decoders.push_back({{"type", "Fuse"}});
  if (prefix) decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  const Json small{{"normalizer", {{"type", "Sequence"}, {"normalizers", normalizers}}},
                   {"pre_tokenizer", nullptr},
                   {"post_processor", template_of(vocabulary, roles.add_bos ? roles.bos : std::nullopt,
                                                  roles.add_eos ? roles.eos : std::nullopt, true)},
                   {"decoder", {{"type", "Sequence"}, {"decoders", decoders}}}};
  JsonList pieces('[');
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    // Only what training found is made by joining: no text becomes <s> or <0x0A> piece by piece.
    const bool joins = vocabulary.types[id] == kNormal || vocabulary.types[id] == kUndefined;
    pieces.add(fmt::format("[{},{}]", quoted(vocabulary.tokens[id], file.where_key(kTokensKey)),
                           joins ? Json(scores[id]).dump() : "null"));
  }
  const std::string unk = quoted(vocabulary.token(*roles.unk), file.where_key(kTokensKey));
  return assemble(file, vocabulary, roles, small,
                  fmt::format(R"({{"type":"ScoredBPE","unk_token":{},"byte_fallback":true,"vocab":{}}})", unk,
                              std::move(pieces).close(']')));
}

const GgufPreTokenizer& pretokenizer_of(const GgufFile& file) {
  constexpr std::string_view kKey = "tokenizer.ggml.pre";
  const auto name = file.text(kKey);
  if (!name)
    warn(
        "{}: the file does not say how texts are cut into words ({}): the default is taken, which may not be "
        "that of the model",
        file.where(), kKey);
  const GgufPreTokenizer* found = find_gguf_pretokenizer(name.value_or("default"));
  if (found == nullptr)
    fail(ErrorCode::kUnsupported, file.where_key(kKey), "'{}' is not available; known are {}",
         printable(*name), known_gguf_pretokenizers());
  return *found;
}

std::string byte_level_json(const GgufFile& file, const Vocabulary& vocabulary) {
  constexpr std::string_view kMergesKey = "tokenizer.ggml.merges";
  const GgufPreTokenizer& pre = pretokenizer_of(file);
  const Roles roles = read_roles(file, vocabulary, false, false, pre.add_bos);
  Json stages = Json::array();
  for (const std::string_view expression : pre.expressions)
    stages.push_back({{"type", "Split"},
                      {"pattern", {{"Regex", expression}}},
                      {"behavior", "Isolated"},
                      {"invert", false}});
  const bool prefix = file.boolean("tokenizer.ggml.add_space_prefix").value_or(false);
  const Json byte_level{
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
  stages.push_back(byte_level);
  Json normalizers = Json::array();
  if (pre.compose) normalizers.push_back({{"type", "NFC"}});
  if (prefix) normalizers.push_back({{"type", "Prepend"}, {"prepend", " "}});
  Json small{{"normalizer", nullptr},
             {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", stages}}},
             {"post_processor", template_of(vocabulary, roles.add_bos ? roles.bos : std::nullopt,
                                            roles.add_eos ? roles.eos : std::nullopt, true)},
             {"decoder", byte_level}};
  if (!normalizers.empty()) small["normalizer"] = {{"type", "Sequence"}, {"normalizers", normalizers}};
  JsonList merges('[');
  for (const std::string_view merge : file.texts(kMergesKey))
    merges.add(quoted(merge, file.where_key(kMergesKey)));
  return assemble(
      file, vocabulary, roles, small,
      fmt::format(R"({{"type":"BPE","ignore_merges":{},"byte_fallback":false,"vocab":{},"merges":{}}})",
                  pre.ignore_merges, vocabulary_object(file, vocabulary), std::move(merges).close(']')));
}

// GGUF marks the beginning of a word with U+2581, vocab.txt what continues it with "##"; tokens in brackets
// are the same in both.
std::string word_piece_token(std::string_view token) {
  constexpr std::string_view kMark = "▁";
  if (token.starts_with(kMark)) return std::string(token.substr(kMark.size()));
  if (token.starts_with('[') && token.ends_with(']')) return std::string(token);
  return "##" + std::string(token);
}

// Files do not say whether texts are made lower case: a vocabulary without capitals can have no other.
bool is_lower_case(const Vocabulary& vocabulary) {
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id)
    for (const char c : vocabulary.tokens[id])
      if (c >= 'A' && c <= 'Z' && vocabulary.types[id] == kNormal && !vocabulary.tokens[id].starts_with('['))
        return false;
  return true;
}

std::string word_piece_json(const GgufFile& file, const Vocabulary& marked) {
  std::vector<std::string> texts;
  for (const std::string_view token : marked.tokens) texts.push_back(word_piece_token(token));
  const Vocabulary vocabulary{{texts.begin(), texts.end()}, marked.types};
  const Roles roles = read_roles(file, vocabulary, false, true, true);
  require(roles.unk.has_value(), file.where_key("tokenizer.ggml.unknown_token_id"),
          "expected the unknown token");
  const Json small{{"normalizer",
                    {{"type", "BertNormalizer"},
                     {"clean_text", true},
                     {"handle_chinese_chars", true},
                     {"strip_accents", nullptr},
                     {"lowercase", is_lower_case(marked)}}},
                   {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
                   {"post_processor", template_of(vocabulary, roles.cls, roles.sep, false)},
                   {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}}};
  return assemble(file, vocabulary, roles, small,
                  fmt::format(R"({{"type":"WordPiece","unk_token":{},"continuing_subword_prefix":"##",)"
                              R"("max_input_chars_per_word":100,"vocab":{}}})",
                              quoted(vocabulary.token(*roles.unk), file.where_key(kTokensKey)),
                              vocabulary_object(file, vocabulary)));
}

struct TokenizerModel {
  std::string_view name;
  std::string (*json)(const GgufFile& file, const Vocabulary& vocabulary);
};
constexpr std::array kModels{TokenizerModel{"llama", scored_json}, TokenizerModel{"gpt2", byte_level_json},
                             TokenizerModel{"bert", word_piece_json}};

std::string tokenizer_json(const GgufFile& file, std::string_view name) {
  std::string known;
  for (const TokenizerModel& model : kModels) {
    if (model.name == name) return model.json(file, read_vocabulary(file));
    known += fmt::format("{}{}", known.empty() ? "" : ", ", model.name);
  }
  fail(ErrorCode::kUnsupported, file.where_key("tokenizer.ggml.model"), "'{}' is not available; known are {}",
       printable(name), known);
}

}  // namespace

TokenizerSource gguf_tokenizer(const GgufFile& file) {
  TokenizerSource source;
  const auto name = file.text("tokenizer.ggml.model");
  if (!name || *name == "none" || *name == "no_vocab") {
    source.where = file.where() + ": the file has no tokenizer";
    return source;
  }
  auto text = std::make_shared<const std::string>(tokenizer_json(file, *name));
  source.kind = TokenizerKind::kTokenizerJson;
  source.where = file.where() + ": tokenizer";
  source.bytes = Buffer::borrowed(text, reinterpret_cast<const std::byte*>(text->data()), text->size());
  return source;
}

GenerationConfig gguf_generation(const GgufFile& file) {
  constexpr std::array<std::string_view, 10> kEnds{
      "<|eot_id|>",      "<|im_end|>", "<|end|>",         "<end_of_turn>", "<|endoftext|>",
      "<|end_of_text|>", "<|eom_id|>", "<|end_of_turn|>", "<EOT>",         "<|end_of_message|>"};
  GenerationConfig generation;
  if (!file.has(kTokensKey)) return generation;
  const Vocabulary vocabulary = read_vocabulary(file);
  const bool scored = file.text("tokenizer.ggml.model") == "llama";
  const Roles roles = read_roles(file, vocabulary, scored, false, false);
  generation.bos_token_id = roles.bos;
  generation.pad_token_id = roles.pad;
  std::vector<std::int64_t>& ends = generation.eos_token_ids;
  const auto add = [&](std::optional<std::int64_t> id) {
    if (id && std::find(ends.begin(), ends.end(), *id) == ends.end()) ends.push_back(*id);
  };
  add(roles.eos);
  add(id_of(file, {"tokenizer.ggml.eot_token_id"}, vocabulary.tokens.size()));
  add(id_of(file, {"tokenizer.ggml.eom_token_id"}, vocabulary.tokens.size()));
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id)
    if ((vocabulary.types[id] == kControl || vocabulary.types[id] == kUserDefined) &&
        std::find(kEnds.begin(), kEnds.end(), vocabulary.tokens[id]) != kEnds.end())
      add(static_cast<std::int64_t>(id));
  return generation;
}

std::string gguf_chat_template(const GgufFile& file) {
  constexpr std::string_view kKey = "tokenizer.chat_template";
  const std::string text(file.text(kKey).value_or(""));
  quoted(text, file.where_key(kKey));  // only to see that it is UTF-8
  return text;
}

}  // namespace swiftlet
