// Split: cuts at a literal text or a regular expression.
#include "swiftlet/text/pattern.h"
#include "swiftlet/text/split_pieces.h"

namespace swiftlet::text {
namespace {

class Split final : public PreTokenizer {
 public:
  explicit Split(const JsonView& json)
      : pattern_(json.at("pattern")),
        behavior_(split_behavior(json.at("behavior"))),
        invert_(json.boolean_or("invert", false)) {}

  void apply(PreTokens& tokens) const override {
    std::vector<Span> pieces, matches;
    for (const Span& piece : tokens.pieces) {
      matches.clear();
      pattern_.find_all(tokens.piece(piece), matches);
      for (Span& match : matches) match = {match.begin + piece.begin, match.end + piece.begin};
      split_piece(piece, matches, behavior_, invert_, pieces);
    }
    tokens.pieces.swap(pieces);
  }

 private:
  Pattern pattern_;
  SplitBehavior behavior_;
  bool invert_;
};

}  // namespace

PreTokenizerPointer make_split(const JsonView& json) {
  return std::make_unique<Split>(json);
}

}  // namespace swiftlet::text
