#include "swiftlet/text/llama2c_file.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "swiftlet/core/error.h"
#include "swiftlet/text/english_cleanup.h"
#include "swiftlet/text/json_view.h"
#include "swiftlet/text/token_settings.h"

namespace swiftlet::text {
namespace {

// Reads numbers and text from the front of a byte string.
class Reader {
 public:
  Reader(std::string_view bytes, const std::string& where) : bytes_(bytes), where_(where) {}
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
  std::string_view bytes_;
  const std::string& where_;
  std::size_t at_ = 0;
};

// The pieces as SentencePiece writes them: a visible space, no line ends around <s> and </s>.
std::string as_piece(std::string token, std::size_t id) {
  if (id == 1 || id == 2) std::erase(token, '\n');
  replace_all(token, " ", "▁");
  return token;
}

}  // namespace

// The file: i32 longest token, then for each token f32 score, i32 length, text. Token 0 is unknown, 1 begins
// and 2 ends a text, 3 to 258 are the bytes <0x00> to <0xFF>; spaces are spaces.
TokenizerText convert_llama2c(std::string_view bytes, const std::string& where) {
  Reader reader(bytes, where);
  const auto longest = reader.number<std::int32_t>("the longest token's length");
  require(longest > 0 && longest <= 1 << 16, where, "expected a longest token of 1 to 65536 bytes, came {}",
          longest);
  Vocabulary vocabulary;
  std::vector<float> scores;
  while (!reader.at_end()) {
    const std::size_t id = scores.size();
    const auto score = reader.number<float>("a score");
    const auto length = reader.number<std::int32_t>("a length");
    require(length >= 0 && length <= longest, where, "expected token {} to have at most {} bytes, came {}",
            id, longest, length);
    const std::string token = reader.text(static_cast<std::size_t>(length), "a token");
    require(std::isfinite(score), where, "expected a finite score of token {}, came {}", id, score);
    require(simdjson::validate_utf8(token), where, "expected token {} in UTF-8, came {}", id, shown(token));
    require(vocabulary.add(as_piece(token, id), static_cast<std::int32_t>(id)), where,
            "expected every token once, token {} is {} again", id, shown(token));
    scores.push_back(score);
  }
  require(scores.size() >= 3, where, "expected at least 3 tokens, came {}", scores.size());
  const auto name = [&](std::int32_t id) { return std::string(vocabulary.token(id)); };
  TokenizerParts parts;
  parts.added_tokens = TokenSettings().added_tokens(
      vocabulary, {{.content = name(0)}, {.content = name(1)}, {.content = name(2)}});
  parts.normalizer =
      sequence_json("normalizers", {{{"type", "Prepend"}, {"prepend", "▁"}}, replace_json(" ", "▁")});
  parts.pre_tokenizer = nullptr;
  parts.post_processor = template_processing(name(1) + " A", fmt::format("{0} A {0}:1 B:1", name(1)),
                                             [](const std::string&) { return 1; });
  parts.decoder =
      sequence_json("decoders", {replace_json("▁", " "),
                                 {{"type", "ByteFallback"}},
                                 {{"type", "Fuse"}},
                                 {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}});
  ModelWriter writer({{"type", "BPE"},
                      {"dropout", nullptr},
                      {"unk_token", name(0)},
                      {"continuing_subword_prefix", nullptr},
                      {"end_of_word_suffix", nullptr},
                      {"fuse_unk", false},
                      {"byte_fallback", true},
                      {"ignore_merges", false}});
  std::vector<std::int32_t> order(scores.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int32_t>(i);
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    return scores[static_cast<std::size_t>(a)] > scores[static_cast<std::size_t>(b)];
  });
  writer.vocabulary(vocabulary);
  writer.merges(derive_merges(vocabulary, order));
  const OrderedJson config{{"tokenizer_class", "PreTrainedTokenizerFast"},
                           {"bos_token", name(1)},
                           {"eos_token", name(2)},
                           {"unk_token", name(0)},
                           {"split_special_tokens", true}};
  return writer.finish(parts, dump(config));
}

}  // namespace swiftlet::text
