// What a tokenizer makes of a text: ids, and the place of every token in the text.
#pragma once

#include <cstdint>
#include <vector>

namespace swiftlet {

namespace text {

// A range [begin, end) of bytes.
struct Span {
  std::uint32_t begin = 0, end = 0;
  bool operator==(const Span&) const = default;
};

}  // namespace text

// The vectors are of one length. Plain data.
struct TokenizedText {
  std::vector<std::int32_t> ids;
  // Bytes of the original text that the token covers, whole characters; [0, 0) for an added special token.
  std::vector<text::Span> offsets;
  // Segment of the token (BERT's token type): 0, or what the post-processor says.
  std::vector<std::int32_t> type_ids;
  // 0: from the (first) text, 1: from the second text of a pair, -1: added by the post-processor.
  std::vector<std::int8_t> sources;
  // Which word of its text the token is of, counted from 0: a piece of the pre-tokenizer, or an added token
  // that stands in the text. -1: added by the post-processor.
  std::vector<std::int32_t> words;

  std::size_t size() const { return ids.size(); }
  // The word after the last one that is here.
  std::int32_t next_word() const { return words.empty() ? 0 : words.back() + 1; }
  void push(std::int32_t id, text::Span span, std::int32_t type_id, std::int8_t source,
            std::int32_t word = -1) {
    ids.push_back(id);
    offsets.push_back(span);
    type_ids.push_back(type_id);
    sources.push_back(source);
    words.push_back(word);
  }
  void append(const TokenizedText& other);
  // Keeps the first `count` tokens.
  void truncate(std::size_t count);
};

}  // namespace swiftlet
