// Tokens and their ids, both ways.
//
// One block of text, one entry for each id and an open-addressing hash table: a lookup touches two cache
// lines. The hash can be extended byte by byte, so that all prefixes of a word are hashed in one walk
// (wordpiece.cpp). Filled once, or mapped as it lies in a file (tokenizer_tables.h), then read by any number
// of threads. Pages of zeros, which a mapped file that was cut short reads as, hold no token.
#pragma once

#include <cstdint>
#include <string_view>

#include "swiftlet/text/flat_table.h"
#include "swiftlet/text/json_view.h"

namespace swiftlet::text {

// FNV-1a, folded to 32 bits at the end.
struct TokenHash {
  std::uint64_t state = 0xCBF29CE484222325u;
  void add(char byte) { state = (state ^ static_cast<std::uint8_t>(byte)) * 0x100000001B3u; }
  void add(std::string_view bytes) {
    for (char byte : bytes) add(byte);
  }
  std::uint32_t value() const { return static_cast<std::uint32_t>((state * 0x9E3779B97F4A7C15u) >> 32); }
};

class Vocabulary {
 public:
  static constexpr std::int32_t kNone = -1;
  static constexpr std::uint32_t kHole = UINT32_MAX;  // length of an entry for an id without a token

  // Ids may leave gaps, but not be so high that tables would be mostly holes: at most this for `count`
  // tokens.
  static std::int64_t highest_id(std::size_t count) { return static_cast<std::int64_t>(count) * 4 + 65535; }

  struct Entry {
    std::uint32_t offset = 0, length = kHole;  // of the token in the text
  };
  struct Slot {
    std::uint32_t hash = 0;
    std::int32_t id_and_one = 0;  // 0: free
  };

  Vocabulary() = default;
  // Of tables that were made by this class. Throws kInvalid naming `where` unless every lookup ends and every
  // token is valid UTF-8 inside the text.
  Vocabulary(FlatTable<char> text, FlatTable<Entry> entries, FlatTable<Slot> slots, const std::string& where);

  void reserve(std::size_t tokens, std::size_t bytes);
  // 0 <= id. False, and nothing is changed, when the token or the id is taken already.
  bool add(std::string_view token, std::int32_t id);
  // The same, but a token that is there already gets this id too: find() then tells this one.
  // REQUIRES: !has(id).
  void add_or_replace(std::string_view token, std::int32_t id);

  std::int32_t find(std::string_view token) const {
    TokenHash hash;
    hash.add(token);
    return find(hash.value(), token, {});
  }
  // The token `head` + `tail`, whose hash is known already.
  std::int32_t find(std::uint32_t hash, std::string_view head, std::string_view tail) const;

  // A find() of this hash follows soon: several that wait for memory together wait once.
  void expect(std::uint32_t hash) const {
    if (!slots_.empty()) __builtin_prefetch(slots_.data() + (hash & (slots_.size() - 1)));
  }

  bool has(std::int32_t id) const {
    return id >= 0 && static_cast<std::size_t>(id) < entries_.size() && entries_[at(id)].length != kHole;
  }
  // REQUIRES: has(id). Valid until the next add().
  std::string_view token(std::int32_t id) const {
    return {text_.data() + entries_[at(id)].offset, entries_[at(id)].length};
  }
  // The highest id + 1.
  std::int32_t end_id() const { return static_cast<std::int32_t>(entries_.size()); }
  std::size_t count() const { return count_; }
  std::size_t longest() const { return longest_; }

  const FlatTable<char>& text() const { return text_; }
  const FlatTable<Entry>& entries() const { return entries_; }
  const FlatTable<Slot>& slots() const { return slots_; }

 private:
  static std::size_t at(std::int32_t id) { return static_cast<std::size_t>(id); }
  void grow(std::size_t slots);
  void place(std::uint32_t hash, std::int32_t id);
  std::size_t slot_of(std::uint32_t hash, std::string_view head, std::string_view tail) const;
  void append(std::string_view token, std::int32_t id);

  FlatTable<char> text_;
  FlatTable<Entry> entries_;  // by id
  FlatTable<Slot> slots_;     // a power of two, at most half full
  std::size_t count_ = 0, longest_ = 0;
};

// The "vocab" object of a model: {"token": id, ...}. Throws kInvalid for ids that are no integers, negative,
// far beyond the number of tokens, or used twice, and for tokens that come twice.
Vocabulary read_vocabulary(const JsonView& json);

}  // namespace swiftlet::text
