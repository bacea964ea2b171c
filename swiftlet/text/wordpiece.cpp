// WordPiece: a word is cut into the longest tokens that fit, from left to right; tokens inside a word carry a
// prefix ("##"). A word that cannot be spelled becomes one unknown token.
//
// Schuster and Nakajima, "Japanese and Korean voice search" (2012); Devlin et al., BERT (2018).
#include <algorithm>

#include "swiftlet/text/model.h"
#include "swiftlet/text/unicode.h"

namespace swiftlet::text {
namespace {

class WordPiece final : public Model {
 public:
  WordPiece(const JsonView& json, ModelTables tables)
      : Model(std::move(tables)), prefix_(json.string_or("continuing_subword_prefix", "##")) {
    const std::string_view unknown = json.string_or("unk_token", "[UNK]");
    unknown_id_ = vocabulary_.find(unknown);
    if (unknown_id_ == Vocabulary::kNone)
      json.invalid("expected the unknown token {} in the vocabulary, it is not there", shown(unknown));
    if (const auto most = json.find("max_input_chars_per_word"))
      max_chars_ = static_cast<std::size_t>(most->integer(0, INT64_MAX));
    prefix_hash_.add(prefix_);
  }

  void tokenize(std::string_view word, std::vector<ModelToken>& out) const override {
    const std::size_t before = out.size();
    // Bytes are at least as many as characters: only long words need counting.
    if ((word.size() <= max_chars_ || count_chars(word) <= max_chars_) && spell(word, out)) return;
    out.resize(before);
    out.push_back({unknown_id_, 0, static_cast<std::uint32_t>(word.size())});
  }

  std::int32_t unknown_id() const override { return unknown_id_; }
  std::string_view continuing_prefix() const override { return prefix_; }

 private:
  bool spell(std::string_view word, std::vector<ModelToken>& out) const {
    for (std::size_t begin = 0; begin < word.size();) {
      const ModelToken token = longest_token(word, begin);
      if (token.id == Vocabulary::kNone) return false;
      out.push_back(token);
      begin = token.end;
    }
    return true;
  }

  // The longest token that begins at `begin`: the prefixes are hashed in one walk, then asked for from the
  // longest down.
  ModelToken longest_token(std::string_view word, std::size_t begin) const {
    thread_local std::vector<std::uint32_t> hashes;
    const std::string_view head = begin == 0 ? std::string_view{} : prefix_;
    TokenHash hash = begin == 0 ? TokenHash{} : prefix_hash_;
    const std::size_t end = std::min(word.size(), begin + vocabulary_.longest());
    hashes.clear();
    for (std::size_t i = begin; i < end; ++i) {
      hash.add(word[i]);
      hashes.push_back(hash.value());
    }
    for (std::size_t stop = end; stop > begin; --stop) {
      if (stop < word.size() && is_continuation_byte(word[stop])) continue;
      const std::int32_t id =
          vocabulary_.find(hashes[stop - begin - 1], head, word.substr(begin, stop - begin));
      if (id != Vocabulary::kNone)
        return {id, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(stop)};
    }
    return {Vocabulary::kNone, 0, 0};
  }

  std::string prefix_;
  TokenHash prefix_hash_;
  std::int32_t unknown_id_ = Vocabulary::kNone;
  std::size_t max_chars_ = 100;
};

}  // namespace

ModelPointer make_wordpiece(const JsonView& json, ModelTables tables) {
  return std::make_unique<WordPiece>(json, std::move(tables));
}

}  // namespace swiftlet::text
