// ByteLevel as a post-processor: offsets without the spaces that byte-level tokens carry in front.
#include <algorithm>

#include "swiftlet/text/byte_level.h"
#include "swiftlet/text/post_processor.h"

namespace swiftlet::text {
namespace {

bool is_space(char32_t code) {
  return code == kByteAlphabet.character[' '] || is_white_space(code);
}

// In bytes of the text: U+0120 stands for one space.
std::uint32_t width(Char c) {
  return c.code == kByteAlphabet.character[' '] ? 1 : c.bytes;
}

struct Spaces {
  std::size_t count = 0, end = 0;  // end: of the token's bytes
  std::uint32_t width = 0;
};

Spaces spaces_in_front(std::string_view token) {
  Spaces spaces;
  for (; spaces.end < token.size() && is_space(char_at(token, spaces.end).code); ++spaces.count) {
    spaces.width += width(char_at(token, spaces.end));
    spaces.end += char_at(token, spaces.end).bytes;
  }
  return spaces;
}

std::uint32_t width_of_spaces_behind(std::string_view token) {
  std::uint32_t sum = 0;
  for (std::size_t end = token.size(); end > 0 && is_space(char_before(token, end).code);) {
    sum += width(char_before(token, end));
    end -= char_before(token, end).bytes;
  }
  return sum;
}

class ByteLevelProcessing final : public PostProcessor {
 public:
  explicit ByteLevelProcessing(const JsonView& json)
      : trim_(json.boolean_or("trim_offsets", true)), prefixed_(json.boolean_or("add_prefix_space", true)) {}

  void process(std::vector<TokenizedText>& parts, const TokenTable& tokens, bool) const override {
    for (TokenizedText& part : parts)
      if (trim_) trim_offsets(part, tokens, prefixed_);
  }

 private:
  bool trim_, prefixed_;
};

}  // namespace

void trim_offsets(TokenizedText& text, const TokenTable& tokens, bool prefixed) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.sources[i] < 0) continue;
    const std::string_view token = tokens.token(text.ids[i]);
    Span& span = text.offsets[i];
    const Spaces leading = spaces_in_front(token);
    // One space may have been put before the text, and takes no place in it; more of them are the text's own.
    const bool added = leading.count == 1 && prefixed && (i == 0 || span.begin == 0);
    if (!added) span.begin = std::min(span.begin + leading.width, span.end);
    if (leading.end == token.size()) {
      span.end = span.begin;  // nothing but spaces
      continue;
    }
    const std::uint32_t trailing = width_of_spaces_behind(token);
    if (span.end >= trailing) span.end = std::max(span.end - trailing, span.begin);
  }
}

PostProcessorPointer make_byte_level_processing(const JsonView& json, const TokenTable&) {
  return std::make_unique<ByteLevelProcessing>(json);
}

}  // namespace swiftlet::text
