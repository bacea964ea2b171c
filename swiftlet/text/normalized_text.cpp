#include "swiftlet/text/normalized_text.h"

#include <simdjson.h>

#include <algorithm>

#include "swiftlet/core/error.h"

namespace swiftlet::text {
namespace {

// The longest honest growth: one character of 3 bytes becomes 18 characters in form NFKC (33 bytes), each
// byte of which is 2 in the byte alphabet.
constexpr std::size_t kMostGrowth = 64, kMostAdded = 1 << 16;

}  // namespace

NormalizedText::NormalizedText(std::string_view original) {
  most_bytes_ = std::min<std::size_t>(original.size() * kMostGrowth + kMostAdded, UINT32_MAX);
  if (simdjson::validate_utf8(original.data(), original.size())) {
    text_ = original;
    return;
  }
  for (std::size_t at = 0; at < original.size();) {
    const Utf8Piece piece = next_utf8_piece(original, at);
    const Span span{static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + piece.bytes)};
    if (piece.valid) {
      text_.append(original, at, piece.bytes);
    } else {
      append_utf8(text_, kReplacementCharacter);
    }
    spans_.resize(text_.size(), span);
    at += piece.bytes;
  }
}

Span NormalizedText::identical_span(std::size_t at) const {
  std::size_t begin = at, end = at + 1;
  while (begin > 0 && is_continuation_byte(text_[begin])) --begin;
  while (end < text_.size() && is_continuation_byte(text_[end])) ++end;
  return {static_cast<std::uint32_t>(base_ + begin), static_cast<std::uint32_t>(base_ + end)};
}

NormalizedText NormalizedText::slice(std::size_t begin, std::size_t end) const {
  NormalizedText result;
  result.text_ = text_.substr(begin, end - begin);
  result.most_bytes_ = most_bytes_;
  if (spans_.empty()) {
    result.base_ = static_cast<std::uint32_t>(base_ + begin);
  } else {
    result.spans_.assign(spans_.begin() + static_cast<std::ptrdiff_t>(begin),
                         spans_.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return result;
}

void Rewrite::fail_too_long() const {
  fail(ErrorCode::kInvalid, "tokenizer",
       "the normalizer or pre-tokenizer makes more than {} bytes of the text", text_.most_bytes_);
}

void Rewrite::store_spans() {
  aligned_ = false;
  spans_.reserve(out_.capacity());
  for (std::size_t i = 0; i < out_.size(); ++i) spans_.push_back(text_.original_at(i));
}

void Rewrite::finish() {
  text_.text_ = std::move(out_);
  text_.spans_ = std::move(spans_);
  if (!aligned_) text_.base_ = 0;
}

}  // namespace swiftlet::text
