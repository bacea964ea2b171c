// Unigram: of all ways to cut a piece into tokens the one whose scores (logarithms of probabilities) add up
// to the most. Kudo, "Subword regularization: improving neural network translation models with multiple
// subword candidates" (2018); the search is Viterbi's.
#include <algorithm>
#include <array>
#include <limits>

#include "swiftlet/text/model.h"
#include "swiftlet/text/token_trie.h"
#include "swiftlet/text/unicode.h"

namespace swiftlet::text {
namespace {

// What a character outside the vocabulary costs, beyond the worst token.
constexpr double kUnknownPenalty = 10;

class Unigram final : public Model {
 public:
  Unigram(ModelTables tables, std::int32_t unknown_id, bool byte_fallback)
      : Model(std::move(tables)),
        scores_(tables_.scores),
        trie_(tables_.trie),
        unknown_id_(unknown_id),
        byte_fallback_(byte_fallback) {
    const double least = scores_.empty() ? 0 : *std::min_element(scores_.begin(), scores_.end());
    unknown_score_ = least - kUnknownPenalty;
    for (std::size_t byte = 0; byte < byte_ids_.size(); ++byte)
      byte_ids_[byte] = vocabulary_.find(fmt::format("<0x{:02X}>", byte));
  }

  std::int32_t unknown_id() const override { return unknown_id_; }

  void tokenize(std::string_view piece, std::vector<ModelToken>& out) const override {
    thread_local std::vector<Step> steps;
    steps.assign(piece.size() + 1, Step{});
    search(piece, steps);
    collect(piece, steps, out);
    constexpr std::size_t kMostKept = 1 << 16;
    if (steps.size() > kMostKept) std::vector<Step>().swap(steps);
  }

 private:
  static constexpr std::uint32_t kUnreached = UINT32_MAX;
  // The best way to a place: its score, and the token that ends there.
  struct Step {
    double score = 0;
    std::uint32_t begin = kUnreached;
    std::int32_t id = Vocabulary::kNone;
  };

  void search(std::string_view piece, std::vector<Step>& steps) const {
    const auto offer = [&](std::uint32_t begin, std::size_t end, double score, std::int32_t id) {
      Step& step = steps[end];
      if (step.begin == kUnreached || score > step.score) step = {score, begin, id};
    };
    for (std::uint32_t at = 0; at < piece.size();) {
      const std::uint32_t next = at + char_at(piece, at).bytes;
      const double here = steps[at].score;
      bool whole_character = false;
      trie_.each_prefix(piece, at, [&](std::size_t end, std::int32_t id) {
        offer(at, end, scores_[static_cast<std::size_t>(id)] + here, id);
        whole_character = whole_character || end == next;
      });
      if (!whole_character) {
        if (unknown_id_ == Vocabulary::kNone)
          fail(ErrorCode::kInvalid, "tokenizer",
               "the vocabulary has no token for {}, and names none for the unknown",
               shown(piece.substr(at, next - at)));
        offer(at, next, unknown_score_ + here, unknown_id_);
      }
      at = next;
    }
  }

  // Walks the best way back. Unknown neighbours become one.
  void collect(std::string_view piece, const std::vector<Step>& steps, std::vector<ModelToken>& out) const {
    const std::size_t before = out.size();
    for (auto end = static_cast<std::uint32_t>(piece.size()); end > 0;) {
      std::uint32_t begin = steps[end].begin;
      if (steps[end].id != unknown_id_) {
        out.push_back({steps[end].id, begin, end});
      } else {
        while (begin > 0 && steps[begin].id == unknown_id_) begin = steps[begin].begin;
        push_unknown_backwards(piece, begin, end, out);
      }
      end = begin;
    }
    std::reverse(out.begin() + static_cast<std::ptrdiff_t>(before), out.end());
  }

  void push_unknown_backwards(std::string_view piece, std::uint32_t begin, std::uint32_t end,
                              std::vector<ModelToken>& out) const {
    const std::string_view text = piece.substr(begin, end - begin);
    const std::int32_t known = vocabulary_.find(text);  // together they may be a token after all
    const auto byte_id = [&](char byte) { return byte_ids_[static_cast<std::uint8_t>(byte)]; };
    if (known == Vocabulary::kNone && byte_fallback_ &&
        std::all_of(text.begin(), text.end(), [&](char b) { return byte_id(b) != Vocabulary::kNone; })) {
      for (auto byte = text.rbegin(); byte != text.rend(); ++byte)
        out.push_back({byte_id(*byte), begin, end});
      return;
    }
    out.push_back({known == Vocabulary::kNone ? unknown_id_ : known, begin, end});
  }

  const FlatTable<double>& scores_;
  const TokenTrie& trie_;
  std::int32_t unknown_id_;
  bool byte_fallback_;
  double unknown_score_ = 0;
  std::array<std::int32_t, 256> byte_ids_;
};

}  // namespace

// [["token", score], ...]; the place is the id.
ModelTables read_unigram(const JsonView& model) {
  const JsonView json = model.at("vocab");
  ModelTables tables;
  std::vector<double> scores;
  std::size_t count = 0, bytes = 0;
  for (simdjson::dom::element item : json.array()) {
    simdjson::dom::array both;
    std::string_view token;
    if (!item.get(both) && !both.at(0).get(token)) bytes += token.size();
    ++count;
  }
  tables.vocabulary.reserve(count, bytes);
  scores.reserve(count);
  std::size_t index = 0;
  for (simdjson::dom::element value : json.array()) {
    const std::size_t i = index++;
    simdjson::dom::array both;
    std::string_view token;
    double score = 0;
    if (value.get(both) || both.size() != 2 || both.at(0).get(token) || both.at(1).get(score))
      json.item(i, value).invalid("expected [\"token\", score], came {}", shown(simdjson::minify(value)));
    tables.vocabulary.add_or_replace(token, static_cast<std::int32_t>(i));
    scores.push_back(score);
  }
  tables.scores = FlatTable<double>(std::move(scores));
  std::vector<TokenTrie::Key> keys;
  keys.reserve(count);
  for (std::int32_t id = 0; id < tables.vocabulary.end_id(); ++id)
    keys.push_back({tables.vocabulary.token(id), id});
  tables.trie = TokenTrie(std::move(keys));
  return tables;
}

ModelPointer make_unigram(const JsonView& json, ModelTables tables) {
  std::int32_t unknown = Vocabulary::kNone;
  if (const auto id = json.find("unk_id")) {
    unknown = static_cast<std::int32_t>(id->integer(0, INT32_MAX));
    if (!tables.vocabulary.has(unknown))
      id->invalid("expected the place of a token among {}, came {}", tables.scores.size(), unknown);
  }
  return std::make_unique<Unigram>(std::move(tables), unknown, json.boolean_or("byte_fallback", false));
}

}  // namespace swiftlet::text
