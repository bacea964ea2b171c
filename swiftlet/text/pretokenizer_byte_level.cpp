// ByteLevel: cuts the text as GPT-2 did and writes its bytes in the byte alphabet (byte_level.h).
#include <optional>

#include "swiftlet/text/byte_level_patterns.h"
#include "swiftlet/text/normalizer.h"
#include "swiftlet/text/regex.h"
#include "swiftlet/text/split_pieces.h"

namespace swiftlet::text {
namespace {

class ByteLevel final : public PreTokenizer {
 public:
  explicit ByteLevel(const JsonView& json) : add_prefix_space_(json.boolean_or("add_prefix_space", true)) {
    if (json.boolean_or("use_regex", true)) regex_.emplace(kGpt2Pattern, json.where());
  }

  void apply(PreTokens& tokens) const override {
    if (add_prefix_space_) add_prefix_space(tokens);
    if (regex_) cut(tokens);
    tokens.bytes_pending = true;
  }

 private:
  static void add_prefix_space(PreTokens& tokens) {
    Rewrite rewrite(tokens.text);
    for (Span& piece : tokens.pieces) {
      const auto begin = static_cast<std::uint32_t>(rewrite.size());
      if (rewrite.old()[piece.begin] != ' ') rewrite.put(" ", piece.begin);
      rewrite.keep(piece.begin, piece.end);
      piece = {begin, static_cast<std::uint32_t>(rewrite.size())};
    }
    rewrite.finish();
  }

  void cut(PreTokens& tokens) const {
    std::vector<Span> pieces, matches;
    for (const Span& piece : tokens.pieces) {
      matches.clear();
      regex_->find_all(tokens.piece(piece), matches);
      for (Span& match : matches) match = {match.begin + piece.begin, match.end + piece.begin};
      split_piece(piece, matches, SplitBehavior::kIsolated, false, pieces);
    }
    tokens.pieces.swap(pieces);
  }

  bool add_prefix_space_;
  std::optional<Regex> regex_;
};

}  // namespace

void write_bytes(PreTokens& tokens) {
  tokens.bytes_pending = false;
  Rewrite rewrite(tokens.text);
  for (Span& piece : tokens.pieces) {
    const auto begin = static_cast<std::uint32_t>(rewrite.size());
    for (std::uint32_t at = piece.begin; at < piece.end; ++at) put_byte(rewrite, at);
    piece = {begin, static_cast<std::uint32_t>(rewrite.size())};
  }
  rewrite.finish();
}

PreTokenizerPointer make_byte_level_pretokenizer(const JsonView& json) {
  return std::make_unique<ByteLevel>(json);
}

}  // namespace swiftlet::text
