#include "swiftlet/text/gguf_write_tokenizer.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "swiftlet/core/error.h"
#include "swiftlet/core/log.h"
#include "swiftlet/io/gguf_vocabulary.h"
#include "swiftlet/text/base64.h"
#include "swiftlet/text/byte_level_patterns.h"
#include "swiftlet/text/gguf_pretokenizers.h"
#include "swiftlet/text/json_view.h"

namespace swiftlet::text {
namespace {

using Json = nlohmann::ordered_json;

// The stages of a part, a Sequence taken apart.
std::vector<Json> stages_of(const Json& part, const char* member) {
  if (part.is_null()) return {};
  if (part.value("type", "") != "Sequence") return {part};
  std::vector<Json> stages;
  for (const Json& stage : part.at(member))
    for (Json& inner : stages_of(stage, member)) stages.push_back(std::move(inner));
  return stages;
}

class Writer {
 public:
  Writer(const Tokenizer& tokenizer, std::int64_t rows, const std::string& where)
      : tokenizer_(tokenizer),
        json_(Json::parse(tokenizer.serialized())),
        rows_(std::max<std::int64_t>(rows, tokenizer.vocab_size())),
        where_(where),
        normalizers_(stages_of(json_.value("normalizer", Json()), "normalizers")),
        pretokenizers_(stages_of(json_.value("pre_tokenizer", Json()), "pretokenizers")) {
    for (const Json& token : json_.value("added_tokens", Json::array()))
      added_[token.at("id").get<std::int32_t>()] = token.value("special", false);
  }

  GgufMetadata write() && {
    const Json& model = json_.at("model");
    const std::string type = model.value("type", model.contains("merges") ? "BPE" : "");
    if (type == "BPE" && is_byte_level())
      write_merges();
    else if (type == "BPE" && model.value("byte_fallback", false))
      write_scores();
    else if (type == "WordPiece")
      write_word_pieces();
    else if (type == "Unigram")
      write_pieces();
    else
      refuse("a {} vocabulary{}", type.empty() ? "nameless" : type, type == "BPE" ? " without bytes" : "");
    write_roles();
    return std::move(out_);
  }

 private:
  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail(ErrorCode::kUnsupported, where_, "{} cannot be written to GGUF",
         fmt::format(format, std::forward<Args>(args)...));
  }

  bool is_byte_level() const {
    const auto is = [](const Json& stage) { return stage.value("type", "") == "ByteLevel"; };
    const std::vector<Json> decoders = stages_of(json_.value("decoder", Json()), "decoders");
    return std::any_of(decoders.begin(), decoders.end(), is) ||
           std::any_of(pretokenizers_.begin(), pretokenizers_.end(), is);
  }

  // `spell`: how the format spells a token of the vocabulary.
  template <class Spell>
  void write_tokens(Spell spell) {
    std::vector<std::string> tokens;
    std::vector<std::int32_t> types;
    for (std::int64_t i = 0; i < rows_; ++i) {
      const auto id = static_cast<std::int32_t>(i);
      const auto token = tokenizer_.id_to_token(id);
      tokens.push_back(!token                ? fmt::format("[PAD{}]", id)
                       : added_.contains(id) ? std::string(*token)
                                             : spell(*token));
      types.push_back(static_cast<std::int32_t>(type_of(id, token)));
    }
    out_.texts(kGgufTokensKey, tokens);
    out_.i32s("tokenizer.ggml.token_type", types);
  }

  GgufTokenType type_of(std::int32_t id, const std::optional<std::string_view>& token) const {
    if (!token) return GgufTokenType::kUnused;
    const bool fall_back = !is_byte_level() && token->size() == 6 && token->starts_with("<0x");
    if (fall_back) return GgufTokenType::kByte;
    if (id == tokenizer_.special().unk && !is_byte_level()) return GgufTokenType::kUnknown;
    const auto found = added_.find(id);
    if (found == added_.end()) return GgufTokenType::kNormal;
    return found->second ? GgufTokenType::kControl : GgufTokenType::kUserDefined;
  }

  // "a b", or the pair of newer files.
  static std::string merge_text(const Json& merge) {
    if (merge.is_string()) return merge.get<std::string>();
    return fmt::format("{} {}", merge.at(0).get_ref<const std::string&>(),
                       merge.at(1).get_ref<const std::string&>());
  }

  void write_merges() {
    out_.text("tokenizer.ggml.model", "gpt2");
    out_.text("tokenizer.ggml.pre", find_cut().names.front());
    write_tokens([](std::string_view token) { return std::string(token); });
    std::vector<std::string> merges;
    for (const Json& merge : json_.at("model").at("merges")) merges.push_back(merge_text(merge));
    out_.texts("tokenizer.ggml.merges", merges);
  }

  // The name of the regular expressions that cut words.
  const GgufPreTokenizer& find_cut() {
    bool compose = false, prefix = false;
    for (const Json& stage : normalizers_) {
      if (stage.value("type", "") != "NFC")
        refuse("the normalizer {} of a byte-level vocabulary", stage.value("type", ""));
      compose = true;
    }
    std::vector<std::string> expressions;
    for (const Json& stage : pretokenizers_) {
      const std::string type = stage.value("type", "");
      const Json pattern = stage.value("pattern", Json());
      if (type == "ByteLevel") {
        prefix |= stage.value("add_prefix_space", true);
        if (stage.value("use_regex", true)) expressions.emplace_back(kGpt2Pattern);
      } else if (type == "Split" && pattern.contains("Regex") && !stage.value("invert", false) &&
                 stage.value("behavior", "") == "Isolated") {
        expressions.push_back(pattern.at("Regex").get<std::string>());
      } else if (type == "Digits") {
        expressions.emplace_back(stage.value("individual_digits", false) ? R"(\p{N})" : R"(\p{N}+)");
      } else {
        refuse("the pre-tokenizer {}", type);
      }
    }
    if (prefix) out_.boolean("tokenizer.ggml.add_space_prefix", true);
    const bool whole = json_.at("model").value("ignore_merges", false);
    const GgufPreTokenizer* found = find_gguf_pretokenizer(expressions, whole, compose);
    if (found == nullptr)
      fail(ErrorCode::kUnsupported, where_,
           "GGUF has no name for how texts are cut into words here; it has {}", known_gguf_pretokenizers());
    return *found;
  }

  // Pieces join by their scores: the earlier a merge, the higher that of its result.
  void write_scores() {
    out_.text("tokenizer.ggml.model", "llama");
    out_.text("tokenizer.ggml.pre", "default");
    write_tokens([](std::string_view token) { return std::string(token); });
    std::map<std::string, float, std::less<>> ranks;
    float rank = 0;
    for (const Json& merge : json_.at("model").at("merges")) {
      std::string text = merge_text(merge);
      text.erase(text.find(' '), 1);
      ranks.emplace(std::move(text), -rank);
      ++rank;
    }
    std::vector<float> scores;
    for (std::int64_t id = 0; id < rows_; ++id) {
      const auto token = tokenizer_.id_to_token(static_cast<std::int32_t>(id));
      const auto found = token ? ranks.find(*token) : ranks.end();
      scores.push_back(found == ranks.end() ? -rank : found->second);
    }
    out_.f32s(kGgufScoresKey, scores);
    write_space_prefix();
  }

  void write_space_prefix() {
    const bool prefix =
        std::any_of(normalizers_.begin(), normalizers_.end(),
                    [](const Json& stage) { return stage.value("type", "") == "Prepend"; }) ||
        std::any_of(pretokenizers_.begin(), pretokenizers_.end(), [](const Json& stage) {
          return stage.value("type", "") == "Metaspace" && stage.value("prepend_scheme", "always") != "never";
        });
    out_.boolean("tokenizer.ggml.add_space_prefix", prefix);
  }

  // Pieces of the best sum of scores, words apart.
  void write_pieces() {
    const Json& model = json_.at("model");
    if (model.value("byte_fallback", false)) refuse("a Unigram vocabulary with a fall-back to bytes");
    std::string charsmap;
    for (const Json& stage : normalizers_) {
      const std::string type = stage.value("type", "");
      const bool joins_spaces =
          type == "Replace" && stage.value("pattern", Json()) == Json{{"Regex", " {2,}"}};
      const bool strips = type == "Strip" && stage.value("strip_right", false);
      if (type == "Precompiled")
        charsmap = decode_base64(stage.at("precompiled_charsmap").get<std::string>()).value();
      else if (!joins_spaces && !strips)
        refuse("the normalizer {} of a Unigram vocabulary", type);
    }
    for (const Json& stage : pretokenizers_)
      if (const std::string type = stage.value("type", ""); type != "Metaspace" && type != "WhitespaceSplit")
        refuse("the pre-tokenizer {}", type);
    out_.text("tokenizer.ggml.model", "t5");
    out_.text("tokenizer.ggml.pre", "default");
    write_tokens([](std::string_view token) { return std::string(token); });
    constexpr float kNoPiece = -10000;
    std::vector<float> scores;
    for (const Json& piece : model.at("vocab")) scores.push_back(piece.at(1).get<float>());
    scores.resize(static_cast<std::size_t>(rows_), kNoPiece);
    out_.f32s(kGgufScoresKey, scores);
    if (!charsmap.empty()) out_.u8s(kGgufCharsmapKey, charsmap);
    write_space_prefix();
    out_.boolean("tokenizer.ggml.remove_extra_whitespaces", true);
  }

  void write_word_pieces() {
    out_.text("tokenizer.ggml.model", "bert");
    out_.text("tokenizer.ggml.pre", "default");
    const std::string prefix = json_.at("model").value("continuing_subword_prefix", "##");
    write_tokens([&](std::string_view token) {
      if (token.starts_with('[') && token.ends_with(']')) return std::string(token);
      return token.starts_with(prefix) ? std::string(token.substr(prefix.size())) : "▁" + std::string(token);
    });
  }

  void write_roles() {
    const SpecialTokens& special = tokenizer_.special();
    const auto put = [&](const char* name, std::int32_t id) {
      if (id >= 0) out_.u32(fmt::format("tokenizer.ggml.{}_token_id", name), id);
    };
    put("bos", special.bos);
    put("eos", special.eos);
    put("unknown", special.unk);
    put("padding", special.pad);
    put("seperator", special.sep);  // as the format spells it
    put("cls", special.cls);
    put("mask", special.mask);
    const TokenizedText with = tokenizer_.encode("a"),
                        without = tokenizer_.encode("a", {.add_special = false});
    const bool first = !with.ids.empty() && (without.ids.empty() || with.ids.front() != without.ids.front());
    const bool last = !with.ids.empty() && (without.ids.empty() || with.ids.back() != without.ids.back());
    out_.boolean("tokenizer.ggml.add_bos_token", first);
    out_.boolean("tokenizer.ggml.add_eos_token", last);
  }

  const Tokenizer& tokenizer_;
  Json json_;
  std::int64_t rows_;
  const std::string& where_;
  std::vector<Json> normalizers_, pretokenizers_;
  std::map<std::int32_t, bool> added_;  // whether special
  GgufMetadata out_;
};

}  // namespace

GgufMetadata gguf_tokenizer_keys(const Tokenizer& tokenizer, std::int64_t rows, const std::string& where) {
  try {
    return Writer(tokenizer, rows, where).write();
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::kInvalid, where, "the tokenizer cannot be written to GGUF: {}", shown(error.what()));
  }
}

}  // namespace swiftlet::text
