// Metaspace: spaces become a visible character (U+2581), which begins the piece behind it; the text may be
// given one in front (SentencePiece).
#include "swiftlet/text/metaspace.h"
#include "swiftlet/text/pattern.h"
#include "swiftlet/text/split_pieces.h"

namespace swiftlet::text {
namespace {

class MetaspacePreTokenizer final : public PreTokenizer {
 public:
  explicit MetaspacePreTokenizer(const JsonView& json)
      : options_(json), split_(json.boolean_or("split", true)) {
    append_utf8(replacement_, options_.replacement);
  }

  void apply(PreTokens& tokens) const override {
    replace_spaces(tokens);
    if (!split_) return;
    split_at_chars(tokens, SplitBehavior::kMergedWithNext,
                   [this](char32_t code) { return code == options_.replacement; });
  }

 private:
  void replace_spaces(PreTokens& tokens) const {
    Rewrite rewrite(tokens.text);
    const std::string_view old = rewrite.old();
    for (Span& piece : tokens.pieces) {
      const auto begin = static_cast<std::uint32_t>(rewrite.size());
      if (wants_prefix(tokens, piece)) rewrite.put(replacement_, piece.begin);
      const std::string_view upto = old.substr(0, piece.end);
      for (std::uint32_t at = piece.begin; at < piece.end;) {
        const auto space = static_cast<std::uint32_t>(std::min<std::size_t>(upto.find(' ', at), piece.end));
        rewrite.keep(at, space);
        if (space < piece.end) rewrite.put(replacement_, space, 1);
        at = space + 1;
      }
      piece = {begin, static_cast<std::uint32_t>(rewrite.size())};
    }
    rewrite.finish();
  }

  bool wants_prefix(const PreTokens& tokens, const Span& piece) const {
    if (options_.prepend == PrependScheme::kNever) return false;
    if (options_.prepend == PrependScheme::kFirst && tokens.text.original_at(piece.begin).begin != 0)
      return false;
    const std::string_view text = tokens.piece(piece);
    return text.front() != ' ' && !text.starts_with(replacement_);
  }

  MetaspaceOptions options_;
  bool split_;
  std::string replacement_;
};

}  // namespace

PreTokenizerPointer make_metaspace_pretokenizer(const JsonView& json) {
  return std::make_unique<MetaspacePreTokenizer>(json);
}

}  // namespace swiftlet::text
