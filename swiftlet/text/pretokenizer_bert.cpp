// BertPreTokenizer: words end at white space, every punctuation mark is a word of its own.
#include "swiftlet/text/pretokenizer.h"

namespace swiftlet::text {
namespace {

class BertPreTokenizer final : public PreTokenizer {
 public:
  void apply(PreTokens& tokens) const override {
    std::vector<Span> pieces;
    pieces.reserve(tokens.text.text().size() / 4 + 1);
    for (const Span& piece : tokens.pieces) cut(tokens.text.text(), piece, pieces);
    tokens.pieces.swap(pieces);
  }

 private:
  static void cut(std::string_view text, Span piece, std::vector<Span>& out) {
    std::uint32_t word = piece.begin;
    for (std::uint32_t at = piece.begin; at < piece.end;) {
      const Char c = char_at(text, at);
      const std::uint32_t next = at + c.bytes;
      const bool space = is_white_space(c.code);
      if (space || is_punctuation(c.code)) {
        if (word < at) out.push_back({word, at});
        if (!space) out.push_back({at, next});
        word = next;
      }
      at = next;
    }
    if (word < piece.end) out.push_back({word, piece.end});
  }
};

}  // namespace

PreTokenizerPointer make_bert_pretokenizer(const JsonView&) {
  return std::make_unique<BertPreTokenizer>();
}

}  // namespace swiftlet::text
