#include "swiftlet/text/bpe.h"

#include <algorithm>
#include <queue>

#include "swiftlet/text/byte_level.h"
#include "swiftlet/text/unicode.h"

namespace swiftlet::text {
namespace {

// Up to this many symbols, looking for the best merge again and again beats keeping a queue.
constexpr std::size_t kShort = 32;

// How SentencePiece writes a space: U+2581.
constexpr std::string_view kSpace = "\u2581";

std::string spelled(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) append_utf8(text, kByteAlphabet.character[static_cast<std::uint8_t>(byte)]);
  return text;
}

}  // namespace

Bpe::Bpe(ModelTables tables, BpeOptions options)
    : Model(std::move(tables)),
      merges_(tables_.merges),
      options_(std::move(options)),
      has_affixes_(!options_.continuing_prefix.empty() || !options_.end_suffix.empty()) {
  std::string character;
  for (char32_t code = 0; code < small_.size(); ++code) {
    character.clear();
    append_utf8(character, code);
    small_[code] = vocabulary_.find(character);
  }
  for (std::size_t byte = 0; byte < byte_ids_.size(); ++byte)
    byte_ids_[byte] = vocabulary_.find(fmt::format("<0x{:02X}>", byte));
  spells_bytes_ = !has_affixes_ && std::all_of(kByteAlphabet.character.begin(), kByteAlphabet.character.end(),
                                               [&](char32_t c) { return small_[c] != Vocabulary::kNone; });
  parts_at_spaces_ = words_part_at_spaces();
}

// Whether a piece may be cut before every run of spaces: no merge then reaches over the cut, so that what is
// joined on one side never asks for the other. (Characters that are dropped would bring spaces together.)
bool Bpe::words_part_at_spaces() const {
  if (has_affixes_ || options_.ignore_merges || options_.unknown_id == Vocabulary::kNone ||
      vocabulary_.find(kSpace) == Vocabulary::kNone)
    return false;
  enum : std::uint8_t { kBegins = 1, kEnds = 2 };
  std::vector<std::uint8_t> spaces(static_cast<std::size_t>(vocabulary_.end_id()));  // of each token
  for (std::int32_t id = 0; id < vocabulary_.end_id(); ++id) {
    if (!vocabulary_.has(id)) continue;
    const std::string_view token = vocabulary_.token(id);
    spaces[static_cast<std::size_t>(id)] = static_cast<std::uint8_t>(
        (token.starts_with(kSpace) ? kBegins : 0) | (token.ends_with(kSpace) ? kEnds : 0));
  }
  const auto is = [&](std::int32_t id, std::uint8_t what) {
    return static_cast<std::size_t>(id) < spaces.size() && (spaces[static_cast<std::size_t>(id)] & what) != 0;
  };
  bool apart = true;
  merges_.each([&](std::int32_t left, std::int32_t right, const Merge&) {
    apart = apart && (!is(right, kBegins) || is(left, kEnds));
  });
  return apart;
}

void Bpe::tokenize(std::string_view piece, std::vector<ModelToken>& out) const {
  if (!parts_at_spaces_) return tokenize_word<false>(piece, 0, out);
  for (std::size_t begin = 0; begin < piece.size();) {
    std::size_t end = begin;
    while (piece.substr(end).starts_with(kSpace)) end += kSpace.size();
    end = std::min(piece.find(kSpace, end), piece.size());
    tokenize_word<false>(piece.substr(begin, end - begin), static_cast<std::uint32_t>(begin), out);
    begin = end;
  }
}

void Bpe::tokenize_bytes(std::string_view piece, std::vector<ModelToken>& out) const {
  spells_bytes_ ? tokenize_word<true>(piece, 0, out) : Model::tokenize_bytes(piece, out);
}

template <bool Bytes>
void Bpe::tokenize_word(std::string_view word, std::uint32_t offset, std::vector<ModelToken>& out) const {
  const std::uint64_t key = (Bytes ? byte_words_ : spelled_words_).value();
  WordCache::Entry* const cached =
      word.size() <= WordCache::kMostBytes ? &WordCache::place(key, word) : nullptr;
  if (cached && cached->holds(key, word)) return cached->append_to(out, offset);
  const std::size_t before = out.size();
  merge_word<Bytes>(word, out);
  if (cached) cached->put(key, word, out.data() + before, out.size() - before);
  for (std::size_t i = before; i < out.size() && offset > 0; ++i) {
    out[i].begin += offset;
    out[i].end += offset;
  }
}

template <bool Bytes>
void Bpe::merge_word(std::string_view word, std::vector<ModelToken>& out) const {
  if (options_.ignore_merges) {
    const std::int32_t id = Bytes ? vocabulary_.find(spelled(word)) : vocabulary_.find(word);
    if (id != Vocabulary::kNone) {
      out.push_back({id, 0, static_cast<std::uint32_t>(word.size())});
      return;
    }
  }
  const std::size_t before = out.size();
  Bytes ? start_bytes(word, out) : start_symbols(word, out);
  const std::size_t count = out.size() - before;
  ModelToken* const symbols = out.data() + before;
  out.resize(before + (count <= kShort ? merge_short(symbols, count) : merge_long(symbols, count)));
}

void Bpe::start_bytes(std::string_view piece, std::vector<ModelToken>& out) const {
  for (std::uint32_t at = 0; at < piece.size(); ++at)
    out.push_back({small_[kByteAlphabet.character[static_cast<std::uint8_t>(piece[at])]], at, at + 1});
}

std::int32_t Bpe::character_id(std::string_view piece, std::size_t begin, std::size_t end) const {
  if (!has_affixes_) {
    const char32_t code = char_at(piece, begin).code;
    return code < small_.size() ? small_[code] : vocabulary_.find(piece.substr(begin, end - begin));
  }
  std::string token(piece.substr(begin, end - begin));
  if (begin > 0) token.insert(0, options_.continuing_prefix);
  if (end == piece.size()) token += options_.end_suffix;
  return vocabulary_.find(token);
}

// All bytes of the character or none.
bool Bpe::fall_back_to_bytes(std::string_view piece, std::size_t begin, std::size_t end,
                             std::vector<ModelToken>& out) const {
  const auto id_at = [&](std::size_t i) { return byte_ids_[static_cast<std::uint8_t>(piece[i])]; };
  for (std::size_t i = begin; i < end; ++i)
    if (id_at(i) == Vocabulary::kNone) return false;
  for (std::size_t i = begin; i < end; ++i)
    out.push_back({id_at(i), static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i + 1)});
  return true;
}

void Bpe::start_symbols(std::string_view piece, std::vector<ModelToken>& out) const {
  bool after_unknown = false;
  for (std::size_t at = 0; at < piece.size();) {
    const std::size_t end = at + char_at(piece, at).bytes;
    const ModelToken symbol{character_id(piece, at, end), static_cast<std::uint32_t>(at),
                            static_cast<std::uint32_t>(end)};
    at = end;
    const bool fused = after_unknown && options_.fuse_unknown;
    after_unknown = false;
    if (symbol.id != Vocabulary::kNone) {
      out.push_back(symbol);
    } else if (options_.byte_fallback && fall_back_to_bytes(piece, symbol.begin, symbol.end, out)) {
    } else if (options_.unknown_id != Vocabulary::kNone) {
      if (fused) {
        out.back().end = symbol.end;
      } else {
        out.push_back({options_.unknown_id, symbol.begin, symbol.end});
      }
      after_unknown = true;
    }
  }
}

std::size_t Bpe::merge_short(ModelToken* symbols, std::size_t count) const {
  // joins[i]: what symbols i and i + 1 join into.
  std::array<const Merge*, kShort> joins;
  for (std::size_t i = 0; i + 1 < count; ++i) joins[i] = merges_.find(symbols[i].id, symbols[i + 1].id);
  while (count > 1) {
    std::size_t best = count;
    for (std::size_t i = 0; i + 1 < count; ++i)
      if (joins[i] && (best == count || joins[i]->rank < joins[best]->rank)) best = i;
    if (best == count) break;
    symbols[best].id = joins[best]->id;
    symbols[best].end = symbols[best + 1].end;
    --count;
    for (std::size_t i = best + 1; i < count; ++i) {
      symbols[i] = symbols[i + 1];
      joins[i] = joins[i + 1];
    }
    joins[best] = best + 1 < count ? merges_.find(symbols[best].id, symbols[best + 1].id) : nullptr;
    if (best > 0) joins[best - 1] = merges_.find(symbols[best - 1].id, symbols[best].id);
  }
  return count;
}

std::size_t Bpe::merge_long(ModelToken* symbols, std::size_t count) const {
  constexpr std::uint32_t kEnd = UINT32_MAX;
  struct Join {
    std::uint32_t rank, at;
    std::int32_t left, right, id;  // stale when the symbols at `at` are no longer these
    bool operator>(const Join& other) const { return rank != other.rank ? rank > other.rank : at > other.at; }
  };
  std::vector<std::uint32_t> next(count), previous(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    next[i] = i + 1 < count ? i + 1 : kEnd;
    previous[i] = i > 0 ? i - 1 : kEnd;
  }
  std::vector<Join> storage;
  storage.reserve(count);
  std::priority_queue<Join, std::vector<Join>, std::greater<>> queue({}, std::move(storage));
  const auto offer = [&](std::uint32_t at) {
    if (at == kEnd || next[at] == kEnd) return;
    const std::int32_t left = symbols[at].id, right = symbols[next[at]].id;
    if (const Merge* merge = merges_.find(left, right)) queue.push({merge->rank, at, left, right, merge->id});
  };
  for (std::uint32_t i = 0; i < count; ++i) offer(i);
  while (!queue.empty()) {
    const Join join = queue.top();
    queue.pop();
    const std::uint32_t other = next[join.at];
    if (other == kEnd || symbols[join.at].id != join.left || symbols[other].id != join.right) continue;
    symbols[join.at].id = join.id;
    symbols[join.at].end = symbols[other].end;
    symbols[other].id = Vocabulary::kNone;  // gone
    next[join.at] = next[other];
    if (next[other] != kEnd) previous[next[other]] = join.at;
    next[other] = kEnd;
    offer(previous[join.at]);
    offer(join.at);
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count; ++i)
    if (symbols[i].id != Vocabulary::kNone) symbols[kept++] = symbols[i];
  return kept;
}

}  // namespace swiftlet::text
