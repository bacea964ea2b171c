// Prompt lookup: drafts from the text itself. Where the last tokens stood once before, what followed them
// then is likely to follow again: in quotations, code, summaries, lists (Saxena, "Prompt lookup decoding",
// 2023).
//
// The index is the one of LZ77 compressors: a table from pairs of tokens to the last place where they stood,
// and from each place to the one before it. A token is added in constant time; a search looks at a bounded
// number of places. Nothing is allocated after reserve(). One per sequence, one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace swiftlet {

class PromptLookup {
 public:
  // For at most so many tokens.
  void reserve(std::size_t tokens);
  // The next tokens of the sequence. REQUIRES: not more than were reserved.
  void add(std::span<const std::int32_t> tokens);

  struct Match {
    std::size_t next = 0;    // place of the token that followed
    std::size_t length = 0;  // tokens before it that are those at the end; 0: nothing was found
  };
  static constexpr std::size_t kLeast = 2, kMost = 32;  // lengths of a match that are told apart
  // The longest match, the last one of equals.
  Match find() const;
  // Appends `count` tokens that follow a match. Beyond the end of the text they repeat themselves, as they
  // did: what is being said is then a repetition with the period of the match.
  void continuation(const Match& match, std::size_t count, std::vector<std::int32_t>& drafts) const;

 private:
  std::size_t bucket(std::size_t place) const;  // of the pair of tokens that ends before `place`

  std::vector<std::int32_t> tokens_;
  std::vector<std::int32_t> last_;    // of each bucket: the last place behind such a pair, -1: none
  std::vector<std::int32_t> before_;  // of each place: the one before it in its bucket
  int shift_ = 64;
};

}  // namespace swiftlet
