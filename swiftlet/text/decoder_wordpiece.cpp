// WordPiece: words are joined by spaces, the parts of a word by nothing.
#include <array>

#include "swiftlet/text/decoder.h"

namespace swiftlet::text {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

// Takes back the spaces that pre-tokenization put before English punctuation.
void clean_up(std::string& text) {
  struct Rule {
    std::string_view from, to;
  };
  constexpr std::array kRules = {
      Rule{" .", "."},   Rule{" ?", "?"},     Rule{" !", "!"},     Rule{" ,", ","},
      Rule{" ' ", "'"},  Rule{" n't", "n't"}, Rule{" 'm", "'m"},   Rule{" do not", " don't"},
      Rule{" 's", "'s"}, Rule{" 've", "'ve"}, Rule{" 're", "'re"},
  };
  for (const Rule& rule : kRules) replace_all(text, rule.from, rule.to);
}

class WordPieceDecoder final : public Decoder {
 public:
  explicit WordPieceDecoder(const JsonView& json)
      : prefix_(json.string_or("prefix", "##")), cleanup_(json.boolean_or("cleanup", true)) {}

  TokenSinkPointer open(TokenSink& next) const override { return std::make_unique<Sink>(*this, next); }

 private:
  class Sink final : public WholeTokenSink {
   public:
    Sink(const WordPieceDecoder& decoder, TokenSink& next) : WholeTokenSink(next), decoder_(decoder) {}

    void token(std::string_view text) override {
      std::string out;
      if (first_) {
        out = text;
      } else if (text.starts_with(decoder_.prefix_)) {
        out = text.substr(decoder_.prefix_.size());
      } else {
        out = " ";
        out += text;
      }
      first_ = false;
      if (decoder_.cleanup_) clean_up(out);
      pass_on(out);
    }

   private:
    const WordPieceDecoder& decoder_;
    bool first_ = true;
  };

  std::string prefix_;
  bool cleanup_;
};

}  // namespace

DecoderPointer make_wordpiece_decoder(const JsonView& json) {
  return std::make_unique<WordPieceDecoder>(json);
}

}  // namespace swiftlet::text
