// Tokens that are looked for in the text before the model sees it: special tokens ([CLS], <|endoftext|>) and
// others that were added to a vocabulary.
//
// Those marked normalized are looked for in the normalized text (and were normalized themselves), the others
// in the text as it came. Immutable after construction and shareable between threads.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "swiftlet/text/normalizer.h"
#include "swiftlet/text/vocabulary.h"

namespace swiftlet::text {

struct AddedToken {
  std::string content;
  std::int32_t id = Vocabulary::kNone;
  bool special = false;      // not shown when decoding; the others are text
  bool single_word = false;  // only where no letter or digit touches it
  bool lstrip = false;       // takes the white space before it along
  bool rstrip = false;       // takes the white space behind it along
  bool normalized = true;
};

// A part of a text: an added token, or (id = Vocabulary::kNone) text between them.
struct Segment {
  Span span;
  std::int32_t id;
  bool operator==(const Segment&) const = default;
};

class AddedTokens {
 public:
  AddedTokens() = default;
  // `json`: the "added_tokens" list. Its ids must agree with `vocabulary` where that has the token too.
  // `split_special`: a special token that a text spells is text like any other.
  AddedTokens(const JsonView& json, const Vocabulary& vocabulary, const Normalizers& normalizers,
              bool split_special);

  // Cuts the text at the tokens that are looked for before (after) normalization; covers all of it.
  std::vector<Segment> split_raw(std::string_view text) const { return raw_.split(text, *this); }
  std::vector<Segment> split_normalized(std::string_view text) const {
    return normalized_.split(text, *this);
  }

  const AddedToken* find(std::int32_t id) const;
  std::int32_t find(std::string_view content) const;
  bool is_special(std::int32_t id) const;
  std::int32_t end_id() const { return tokens_.empty() ? 0 : tokens_.rbegin()->first + 1; }
  const std::map<std::int32_t, AddedToken>& all() const { return tokens_; }

 private:
  // A trie over bytes that finds the longest token at a place.
  class Finder {
   public:
    void insert(std::string_view content, std::int32_t id);
    std::vector<Segment> split(std::string_view text, const AddedTokens& owner) const;

   private:
    struct Node {
      std::vector<std::pair<char, std::uint32_t>> next;
      std::int32_t id = Vocabulary::kNone;
    };
    Segment longest_at(std::string_view text, std::size_t at) const;
    const Node* step(const Node& node, char byte) const;
    std::vector<Node> nodes_;
    std::array<bool, 256> starts_{};
  };

  void add(const JsonView& json, const Vocabulary& vocabulary);

  std::map<std::int32_t, AddedToken> tokens_;
  std::map<std::string, std::int32_t, std::less<>> ids_;
  Finder raw_, normalized_;
};

}  // namespace swiftlet::text
