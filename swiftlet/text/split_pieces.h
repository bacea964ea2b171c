// How matches of a pattern cut a piece: the five behaviours that tokenizer files name.
#pragma once

#include <vector>

#include "swiftlet/text/pretokenizer.h"

namespace swiftlet::text {

enum class SplitBehavior {
  kRemoved,             // the match is dropped
  kIsolated,            // the match is a piece of its own
  kMergedWithPrevious,  // the match ends the piece before it
  kMergedWithNext,      // the match begins the piece behind it
  kContiguous,          // matches that touch are one piece
};

SplitBehavior split_behavior(const JsonView& json);

// Cuts the piece [begin, end) at `matches` (places in the same text, in order) and appends the new pieces.
// `invert`: what is between the matches counts as the match.
void split_piece(Span piece, const std::vector<Span>& matches, SplitBehavior behavior, bool invert,
                 std::vector<Span>& out);

// Cuts every piece at the characters for which is_match(code) is true.
template <class F>
void split_at_chars(PreTokens& tokens, SplitBehavior behavior, F&& is_match) {
  std::vector<Span> pieces, matches;
  const std::string_view text = tokens.text.text();
  for (const Span& piece : tokens.pieces) {
    matches.clear();
    for (std::uint32_t at = piece.begin; at < piece.end;) {
      const Char c = char_at(text, at);
      if (is_match(c.code)) matches.push_back({at, at + c.bytes});
      at += c.bytes;
    }
    split_piece(piece, matches, behavior, false, pieces);
  }
  tokens.pieces.swap(pieces);
}

}  // namespace swiftlet::text
