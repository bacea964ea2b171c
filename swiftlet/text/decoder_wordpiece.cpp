// WordPiece: words are joined by spaces, the parts of a word by nothing.
#include "swiftlet/text/decoder.h"
#include "swiftlet/text/english_cleanup.h"

namespace swiftlet::text {
namespace {

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
      if (decoder_.cleanup_) clean_up_english(out);
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
