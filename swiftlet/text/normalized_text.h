// A text on its way through the pipeline, and where each of its bytes came from.
//
// Every byte of text() belongs to a span [begin, end) of the original input. Spans begin and end at
// characters of the original: a token that holds half a character is given the whole one. While nothing but
// in-place changes of equal length happened (ASCII lower-casing, say), the spans are not stored at all.
//
// A value type; one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/text/tokenized_text.h"
#include "swiftlet/text/unicode.h"

namespace swiftlet::text {

class NormalizedText {
 public:
  NormalizedText() = default;
  // Malformed UTF-8 is replaced by U+FFFD, one for each maximal piece. `original` is shorter than 2^31 bytes.
  explicit NormalizedText(std::string_view original);

  std::string_view text() const { return text_; }
  bool empty() const { return text_.empty(); }

  // The bytes of the original that text()[begin, end) came from; begin < end.
  Span original(std::size_t begin, std::size_t end) const {
    return {original_at(begin).begin, original_at(end - 1).end};
  }
  Span original_at(std::size_t at) const { return spans_.empty() ? identical_span(at) : spans_[at]; }

  NormalizedText slice(std::size_t begin, std::size_t end) const;

 private:
  friend class Rewrite;
  Span identical_span(std::size_t at) const;

  std::string text_;
  std::vector<Span> spans_;  // one for each byte, or none: then byte i came from base_ + i
  std::uint32_t base_ = 0;
  std::size_t most_bytes_ = 0;  // stages that make more of the text than this are refused
};

// Builds the successor of a NormalizedText from left to right; finish() puts it in its place.
//
//   Rewrite rewrite(text);
//   rewrite.keep(0, 3);        // copies bytes, with their spans
//   rewrite.put("x", 3);       // new bytes, with the span of the old byte 3
//   rewrite.finish();
class Rewrite {
 public:
  explicit Rewrite(NormalizedText& text) : text_(text) {
    out_.reserve(text.text_.size() + text.text_.size() / 8 + 16);
    aligned_ = text.spans_.empty();
    if (!aligned_) spans_.reserve(out_.capacity());
  }

  std::string_view old() const { return text_.text_; }
  std::size_t size() const { return out_.size(); }

  void keep(std::size_t begin, std::size_t end) {
    if (begin == end) return;
    if (aligned_ && begin != out_.size()) store_spans();
    out_.append(text_.text_, begin, end - begin);
    if (!aligned_)
      for (std::size_t i = begin; i < end; ++i) spans_.push_back(text_.original_at(i));
  }

  // `like` is a byte of the old text. `replaced`: the length of the one character at `like`, when the new
  // bytes are one character that stands exactly for it; else 0. Throws kInvalid when the text grows out of
  // all proportion (replacements that multiply one another).
  void put(std::string_view bytes, std::size_t like, std::size_t replaced = 0) {
    if (aligned_ && (like != out_.size() || bytes.size() != replaced)) store_spans();
    if (out_.size() + bytes.size() > text_.most_bytes_) [[unlikely]]
      fail_too_long();
    out_.append(bytes);
    if (!aligned_) spans_.insert(spans_.end(), bytes.size(), text_.original_at(like));
  }
  void put(char32_t code, std::size_t like, std::size_t replaced = 0) {
    scratch_.clear();
    append_utf8(scratch_, code);
    put(scratch_, like, replaced);
  }

  void finish();

 private:
  [[noreturn]] void fail_too_long() const;
  void store_spans();  // what was written so far came from the same places: say so byte by byte

  NormalizedText& text_;
  std::string out_, scratch_;
  std::vector<Span> spans_;
  bool aligned_;  // so far byte i of the new text came from byte i of the old, which stores no spans
};

}  // namespace swiftlet::text
