#include "swiftlet/text/gguf_tokenizer.h"

#include <simdjson.h>

#include <algorithm>
#include <array>

#include "swiftlet/core/error.h"
#include "swiftlet/core/log.h"
#include "swiftlet/io/gguf_vocabulary.h"
#include "swiftlet/text/gguf_pretokenizers.h"
#include "swiftlet/text/sentencepiece.h"
#include "swiftlet/text/token_settings.h"
#include "swiftlet/text/vocab_txt.h"

namespace swiftlet::text {
namespace {

std::string utf8_of(std::string_view text, const GgufFile& file, std::string_view key) {
  require(simdjson::validate_utf8(text.data(), text.size()), file.where_key(key), "expected UTF-8, came {}",
          shown(text));
  return std::string(text);
}

// What a tokenizer_config.json would say: the class, the roles and `more`.
TokenSettings settings_of(const GgufFile& file, const GgufVocabulary& vocabulary, const char* kind,
                          const OrderedJson& more) {
  OrderedJson config{{"tokenizer_class", kind}};
  const auto put = [&](const char* name, std::optional<std::int64_t> id) {
    if (id) config[name] = utf8_of(vocabulary.token(*id), file, kGgufTokensKey);
  };
  put("bos_token", vocabulary.bos);
  put("eos_token", vocabulary.eos);
  put("unk_token", vocabulary.unk);
  put("sep_token", vocabulary.sep);
  put("cls_token", vocabulary.cls);
  put("pad_token", vocabulary.pad);
  put("mask_token", vocabulary.mask);
  config.update(more);
  TokenizerSource source;
  source.where = file.where();
  source.config = Config::parse(dump(config), file.where());
  return TokenSettings(source);
}

// Control tokens and those that the user added are found in the text before the model sees it.
std::vector<NamedToken> found_tokens(const GgufFile& file, const GgufVocabulary& vocabulary) {
  std::vector<NamedToken> tokens;
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const GgufTokenType type = vocabulary.types[id];
    if (type == GgufTokenType::kControl || type == GgufTokenType::kUserDefined ||
        type == GgufTokenType::kUnknown)
      tokens.push_back({.content = utf8_of(vocabulary.tokens[id], file, kGgufTokensKey),
                        .special = type != GgufTokenType::kUserDefined});
  }
  return tokens;
}

Vocabulary vocabulary_of(const GgufFile& file, const std::vector<std::string>& tokens) {
  Vocabulary vocabulary;
  std::size_t bytes = 0;
  for (const std::string& token : tokens) bytes += token.size();
  vocabulary.reserve(tokens.size(), bytes);
  for (std::size_t id = 0; id < tokens.size(); ++id)
    require(vocabulary.add(tokens[id], static_cast<std::int32_t>(id)), file.where_key(kGgufTokensKey),
            "expected every token once, token {} is {} again", id, shown(tokens[id]));
  return vocabulary;
}

PieceType piece_type(GgufTokenType type) {
  return type >= GgufTokenType::kNormal && type <= GgufTokenType::kByte
             ? static_cast<PieceType>(type)  // the same numbers
             : PieceType::kNormal;
}

// Pieces and their scores; how texts become pieces is left to the caller.
SentencePieceModel read_pieces(const GgufFile& file, const GgufVocabulary& vocabulary) {
  const std::vector<double> scores = file.numbers(kGgufScoresKey);
  require(scores.size() == vocabulary.tokens.size(), file.where_key(kGgufScoresKey),
          "expected a score for each of {} tokens, came {}", vocabulary.tokens.size(), scores.size());
  require(vocabulary.unk.has_value(), file.where_key("tokenizer.ggml.unknown_token_id"),
          "expected the unknown token");
  SentencePieceModel model;
  model.ids_are_final = true;
  model.unknown_id = static_cast<std::int32_t>(*vocabulary.unk);
  for (std::size_t id = 0; id < scores.size(); ++id)
    model.pieces.push_back(
        {utf8_of(vocabulary.tokens[id], file, kGgufTokensKey), scores[id], piece_type(vocabulary.types[id])});
  return model;
}

bool puts_space_in_front(const GgufFile& file) {
  return file.boolean("tokenizer.ggml.add_space_prefix").value_or(true);
}

TokenizerText from_scores(const GgufFile& file, const GgufVocabulary& vocabulary) {
  SentencePieceModel model = read_pieces(file, vocabulary);
  model.algorithm = SentencePieceModel::Algorithm::kBpe;
  model.byte_fallback = true;
  const OrderedJson more{{"legacy", true},
                         {"add_prefix_space", puts_space_in_front(file)},
                         {"add_bos_token", vocabulary.add_bos.value_or(true)},
                         {"add_eos_token", vocabulary.add_eos.value_or(false)}};
  return convert_sentencepiece(model, settings_of(file, vocabulary, "LlamaTokenizer", more),
                               file.where_key(kGgufTokensKey));
}

// The table of replacements; empty when there is none.
std::string charsmap_of(const GgufFile& file) {
  const auto found = file.values().find(kGgufCharsmapKey);
  if (found == file.values().end()) return {};
  const GgufValue& value = found->second;
  require(value.is_array && (value.kind == GgufKind::kU8 || value.kind == GgufKind::kI8),
          file.where_key(kGgufCharsmapKey), "expected an array of bytes");
  const Buffer bytes = file.bytes(value);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Unigram: T5 ends texts, XLM-R puts them between two tokens.
TokenizerText from_pieces(const GgufFile& file, const GgufVocabulary& vocabulary) {
  SentencePieceModel model = read_pieces(file, vocabulary);
  model.charsmap = charsmap_of(file);
  constexpr std::string_view kSpacesKey = "tokenizer.ggml.remove_extra_whitespaces";
  if (!file.boolean(kSpacesKey).value_or(true))
    fail(ErrorCode::kUnsupported, file.where_key(kSpacesKey),
         "a Unigram vocabulary that keeps runs of spaces is not available");
  const bool begins = vocabulary.add_bos.value_or(false), ends = vocabulary.add_eos.value_or(true);
  const bool around = begins && ends && vocabulary.bos && vocabulary.eos;
  const char* kind = around ? "XLMRobertaTokenizer" : ends && vocabulary.eos ? "T5Tokenizer" : "";
  const OrderedJson more{
      {"add_prefix_space", puts_space_in_front(file)}, {"add_bos_token", begins}, {"add_eos_token", ends}};
  return convert_sentencepiece(model, settings_of(file, vocabulary, kind, more),
                               file.where_key(kGgufTokensKey));
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
    fail(ErrorCode::kUnsupported, file.where_key(kKey), "{} is not available; known are {}", shown(*name),
         known_gguf_pretokenizers());
  return *found;
}

// ["a b", ...]
std::string merges_json(const GgufFile& file) {
  constexpr std::string_view kMergesKey = "tokenizer.ggml.merges";
  require(file.has(kMergesKey), file.where_key(kMergesKey), "is missing: no word could be put together");
  std::string merges = "[";
  for (const std::string_view merge : file.texts(kMergesKey)) {
    if (merges.size() > 1) merges += ',';
    append_json_string(merges, utf8_of(merge, file, kMergesKey));
  }
  return merges + "]";
}

std::vector<std::string> texts_of(const GgufFile& file, const GgufVocabulary& vocabulary) {
  std::vector<std::string> texts;
  for (const std::string_view token : vocabulary.tokens)
    texts.push_back(utf8_of(token, file, kGgufTokensKey));
  return texts;
}

TokenizerText from_merges(const GgufFile& file, const GgufVocabulary& found) {
  const GgufPreTokenizer& pre = pretokenizer_of(file);
  const Vocabulary vocabulary = vocabulary_of(file, texts_of(file, found));
  const TokenSettings settings = settings_of(file, found, "PreTrainedTokenizerFast",
                                             {{"add_bos_token", found.add_bos.value_or(pre.add_bos)},
                                              {"add_eos_token", found.add_eos.value_or(false)}});
  OrderedJson stages = OrderedJson::array(), normalizers = OrderedJson::array();
  for (const std::string_view expression : pre.expressions)
    stages.push_back(split_json(std::string(expression)));
  stages.push_back(byte_level_json(false, false, true));
  if (pre.compose) normalizers.push_back({{"type", "NFC"}});
  if (file.boolean("tokenizer.ggml.add_space_prefix").value_or(false))
    normalizers.push_back({{"type", "Prepend"}, {"prepend", " "}});
  TokenizerParts parts;
  parts.added_tokens = settings.added_tokens(vocabulary, found_tokens(file, found));
  if (!normalizers.empty()) parts.normalizer = sequence_json("normalizers", normalizers);
  parts.pre_tokenizer = sequence_json("pretokenizers", stages);
  parts.post_processor = settings.around_texts(false, vocabulary, parts.added_tokens, file.where());
  parts.decoder = byte_level_json(false, false, true);
  ModelWriter writer({{"type", "BPE"}, {"ignore_merges", pre.ignore_merges}, {"byte_fallback", false}});
  writer.member("vocab", vocabulary_json(vocabulary));
  writer.member("merges", merges_json(file));
  return writer.finish(parts, settings.config());
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
bool is_lower_case(const GgufVocabulary& vocabulary) {
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const std::string_view token = vocabulary.tokens[id];
    const bool capitals =
        std::any_of(token.begin(), token.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (capitals && vocabulary.types[id] == GgufTokenType::kNormal && !token.starts_with('[')) return false;
  }
  return true;
}

TokenizerText from_word_pieces(const GgufFile& file, const GgufVocabulary& marked) {
  require(marked.unk.has_value(), file.where_key("tokenizer.ggml.unknown_token_id"),
          "expected the unknown token");
  std::vector<std::string> texts = texts_of(file, marked);
  for (std::string& text : texts) text = word_piece_token(text);
  GgufVocabulary plain = marked;
  plain.tokens.assign(texts.begin(), texts.end());
  return convert_word_pieces(
      vocabulary_of(file, texts),
      settings_of(file, plain, "BertTokenizer", {{"do_lower_case", is_lower_case(marked)}}),
      found_tokens(file, plain), file.where_key(kGgufTokensKey));
}

struct Converter {
  std::string_view name;
  TokenizerText (*convert)(const GgufFile& file, const GgufVocabulary& vocabulary);
};
constexpr std::array kConverters{Converter{"llama", from_scores}, Converter{"gpt2", from_merges},
                                 Converter{"bert", from_word_pieces}, Converter{"t5", from_pieces}};

}  // namespace

TokenizerText convert_gguf(const GgufFile& file) {
  const std::string_view name = gguf_tokenizer_model(file).value();
  std::string known;
  for (const Converter& model : kConverters) {
    if (model.name == name) return model.convert(file, read_gguf_vocabulary(file));
    known += fmt::format("{}{}", known.empty() ? "" : ", ", model.name);
  }
  fail(ErrorCode::kUnsupported, file.where_key("tokenizer.ggml.model"), "{} is not available; known are {}",
       shown(name), known);
}

}  // namespace swiftlet::text
