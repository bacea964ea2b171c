// Pre-tokenizers that look at one character at a time: Whitespace, WhitespaceSplit, Digits, Punctuation,
// CharDelimiterSplit, FixedLength.
#include "swiftlet/text/split_pieces.h"

namespace swiftlet::text {
namespace {

// Runs of word characters and runs of other visible characters: \w+|[^\w\s]+
class Whitespace final : public PreTokenizer {
 public:
  void apply(PreTokens& tokens) const override {
    std::vector<Span> pieces;
    const std::string_view text = tokens.text.text();
    for (const Span& piece : tokens.pieces) {
      Kind previous = Kind::kSpace;
      for (std::uint32_t at = piece.begin; at < piece.end;) {
        const Char c = char_at(text, at);
        const Kind kind = kind_of(c.code);
        if (kind != Kind::kSpace) {
          if (kind != previous) pieces.push_back({at, at});
          pieces.back().end = at + c.bytes;
        }
        previous = kind;
        at += c.bytes;
      }
    }
    tokens.pieces.swap(pieces);
  }

 private:
  enum class Kind { kSpace, kWord, kOther };
  static Kind kind_of(char32_t code) {
    return is_word(code) ? Kind::kWord : is_white_space(code) ? Kind::kSpace : Kind::kOther;
  }
};

class WhitespaceSplit final : public PreTokenizer {
 public:
  void apply(PreTokens& tokens) const override {
    split_at_chars(tokens, SplitBehavior::kRemoved, is_white_space);
  }
};

class Digits final : public PreTokenizer {
 public:
  explicit Digits(const JsonView& json)
      : behavior_(json.boolean_or("individual_digits", false) ? SplitBehavior::kIsolated
                                                              : SplitBehavior::kContiguous) {}
  void apply(PreTokens& tokens) const override { split_at_chars(tokens, behavior_, is_numeric); }

 private:
  SplitBehavior behavior_;
};

class Punctuation final : public PreTokenizer {
 public:
  explicit Punctuation(const JsonView& json) {
    if (const auto behavior = json.find("behavior")) behavior_ = split_behavior(*behavior);
  }
  void apply(PreTokens& tokens) const override { split_at_chars(tokens, behavior_, is_punctuation); }

 private:
  SplitBehavior behavior_ = SplitBehavior::kIsolated;
};

class CharDelimiterSplit final : public PreTokenizer {
 public:
  explicit CharDelimiterSplit(const JsonView& json) : delimiter_(json.at("delimiter").character()) {}
  void apply(PreTokens& tokens) const override {
    split_at_chars(tokens, SplitBehavior::kRemoved, [this](char32_t code) { return code == delimiter_; });
  }

 private:
  char32_t delimiter_;
};

// Pieces of so many characters; the last of a text may be shorter.
class FixedLength final : public PreTokenizer {
 public:
  explicit FixedLength(const JsonView& json) {
    if (const auto length = json.find("length")) length_ = length->integer(1, INT32_MAX);
  }
  void apply(PreTokens& tokens) const override {
    std::vector<Span> pieces;
    const std::string_view text = tokens.text.text();
    for (const Span& piece : tokens.pieces) {
      std::int64_t room = 0;
      for (std::uint32_t at = piece.begin; at < piece.end;) {
        if (room-- == 0) {
          pieces.push_back({at, at});
          room = length_ - 1;
        }
        at += char_at(text, at).bytes;
        pieces.back().end = at;
      }
    }
    tokens.pieces.swap(pieces);
  }

 private:
  std::int64_t length_ = 5;
};

}  // namespace

PreTokenizerPointer make_fixed_length(const JsonView& json) {
  return std::make_unique<FixedLength>(json);
}
PreTokenizerPointer make_whitespace(const JsonView&) {
  return std::make_unique<Whitespace>();
}
PreTokenizerPointer make_whitespace_split(const JsonView&) {
  return std::make_unique<WhitespaceSplit>();
}
PreTokenizerPointer make_digits(const JsonView& json) {
  return std::make_unique<Digits>(json);
}
PreTokenizerPointer make_punctuation(const JsonView& json) {
  return std::make_unique<Punctuation>(json);
}
PreTokenizerPointer make_char_delimiter_split(const JsonView& json) {
  return std::make_unique<CharDelimiterSplit>(json);
}

}  // namespace swiftlet::text
