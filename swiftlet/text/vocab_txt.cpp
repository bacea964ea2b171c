#include "swiftlet/text/vocab_txt.h"

#include <simdjson.h>

#include <algorithm>

#include "swiftlet/core/error.h"
#include "swiftlet/text/json_view.h"

namespace swiftlet::text {
namespace {

Vocabulary read_lines(std::string_view vocab, const std::string& where) {
  Vocabulary vocabulary;
  vocabulary.reserve(static_cast<std::size_t>(std::count(vocab.begin(), vocab.end(), '\n')) + 1,
                     vocab.size());
  std::int32_t line = 0;
  for (std::size_t at = 0; at < vocab.size(); ++line) {
    const std::size_t end = std::min(vocab.find('\n', at), vocab.size());
    std::string_view token = vocab.substr(at, end - at);
    at = end + 1;
    if (token.ends_with('\r')) token.remove_suffix(1);
    const auto place = [&] { return fmt::format("{}: line {}", where, line + 1); };
    if (!simdjson::validate_utf8(token.data(), token.size()))
      fail(ErrorCode::kInvalid, place(), "expected UTF-8, came {}", shown(token));
    if (!vocabulary.add(token, line))
      fail(ErrorCode::kInvalid, place(), "expected every token once, {} comes twice", shown(token));
  }
  return vocabulary;
}

}  // namespace

TokenizerText convert_vocab_txt(std::string_view vocab, const TokenSettings& settings,
                                const std::string& where) {
  return convert_word_pieces(read_lines(vocab, where), settings, {}, where);
}

TokenizerText convert_word_pieces(const Vocabulary& vocabulary, const TokenSettings& given,
                                  std::vector<NamedToken> own, const std::string& where) {
  TokenSettings settings = given;
  for (const auto& [role, token] : {std::pair{"unk", "[UNK]"}, {"cls", "[CLS]"}, {"sep", "[SEP]"}})
    settings.set_default_role(role, token);
  for (const auto& [role, token] : {std::pair{"pad", "[PAD]"}, {"mask", "[MASK]"}})
    if (vocabulary.find(token) != Vocabulary::kNone) settings.set_default_role(role, token);
  const std::string unk = settings.role_or("unk", ""), cls = settings.role_or("cls", ""),
                    sep = settings.role_or("sep", "");
  for (const std::string& token : {unk, cls, sep}) TokenSettings::id_of(token, vocabulary, {}, where);
  const OrderedJson added = settings.added_tokens(vocabulary, std::move(own));
  const std::optional<bool> strip_accents = settings.flag("strip_accents");
  TokenizerParts parts;
  parts.added_tokens = added;
  parts.normalizer = {{"type", "BertNormalizer"},
                      {"clean_text", true},
                      {"handle_chinese_chars", settings.flag_or("tokenize_chinese_chars", true)},
                      {"strip_accents", strip_accents ? OrderedJson(*strip_accents) : OrderedJson()},
                      {"lowercase", settings.flag_or("do_lower_case", true)}};
  parts.pre_tokenizer = {{"type", "BertPreTokenizer"}};
  parts.post_processor =
      template_processing(fmt::format("{} A {}", cls, sep), fmt::format("{} A {} B:1 {}:1", cls, sep, sep),
                          [&](const std::string& token) { return vocabulary.find(token); });
  parts.decoder = {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}};
  ModelWriter writer({{"type", "WordPiece"},
                      {"unk_token", unk},
                      {"continuing_subword_prefix", "##"},
                      {"max_input_chars_per_word", 100}});
  writer.vocabulary(vocabulary);
  return writer.finish(parts, settings.config());
}

}  // namespace swiftlet::text
