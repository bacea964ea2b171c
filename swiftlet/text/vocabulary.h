// Tokens and their ids, both ways.
//
// One block of text, one entry for each id and an open-addressing hash table: a lookup touches two cache
// lines. The hash can be extended byte by byte, so that all prefixes of a word are hashed in one walk
// (wordpiece.cpp). Filled once, then read by any number of threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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

  // Ids may leave gaps, but not be so high that tables would be mostly holes: at most this for `count`
  // tokens.
  static std::int64_t highest_id(std::size_t count) { return static_cast<std::int64_t>(count) * 4 + 65535; }

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

  bool has(std::int32_t id) const {
    return id >= 0 && static_cast<std::size_t>(id) < entries_.size() && entries_[at(id)].length != kHole;
  }
  // REQUIRES: has(id). Valid until the next add().
  std::string_view token(std::int32_t id) const {
    return std::string_view(text_).substr(entries_[at(id)].offset, entries_[at(id)].length);
  }
  // The highest id + 1.
  std::int32_t end_id() const { return static_cast<std::int32_t>(entries_.size()); }
  std::size_t count() const { return count_; }
  std::size_t longest() const { return longest_; }

 private:
  static constexpr std::uint32_t kHole = UINT32_MAX;
  struct Entry {
    std::uint32_t offset = 0, length = kHole;
  };
  struct Slot {
    std::uint32_t hash = 0;
    std::int32_t id = kNone;
  };
  static std::size_t at(std::int32_t id) { return static_cast<std::size_t>(id); }
  void grow(std::size_t slots);
  void place(std::uint32_t hash, std::int32_t id);
  std::size_t slot_of(std::uint32_t hash, std::string_view head, std::string_view tail) const;
  void append(std::string_view token, std::int32_t id);

  std::string text_;
  std::vector<Entry> entries_;
  std::vector<Slot> slots_;  // a power of two, at most half full
  std::size_t count_ = 0, longest_ = 0;
};

// The "vocab" object of a model: {"token": id, ...}. Throws kInvalid for ids that are no integers, negative,
// far beyond the number of tokens, or used twice, and for tokens that come twice.
Vocabulary read_vocabulary(const JsonView& json);

}  // namespace swiftlet::text
