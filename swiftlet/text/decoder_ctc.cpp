// CTC: tokens that come again and again count once, padding not at all, and a delimiter is a space. Graves et
// al., "Connectionist temporal classification" (2006).
#include "swiftlet/text/decoder.h"
#include "swiftlet/text/english_cleanup.h"

namespace swiftlet::text {
namespace {

class Ctc final : public Decoder {
 public:
  explicit Ctc(const JsonView& json)
      : pad_(json.string_or("pad_token", "<pad>")),
        delimiter_(json.string_or("word_delimiter_token", "|")),
        cleanup_(json.boolean_or("cleanup", true)) {}

  TokenSinkPointer open(TokenSink& next) const override { return std::make_unique<Sink>(*this, next); }

 private:
  class Sink final : public WholeTokenSink {
   public:
    Sink(const Ctc& ctc, TokenSink& next) : WholeTokenSink(next), ctc_(ctc) {}

    void token(std::string_view text) override {
      if (!first_ && text == previous_) return;
      first_ = false;
      previous_ = text;
      std::string out(text);
      replace_all(out, ctc_.pad_, "");
      if (ctc_.cleanup_) {
        clean_up_english(out);
        replace_all(out, ctc_.delimiter_, " ");
      }
      if (!out.empty()) pass_on(out);
    }

   private:
    const Ctc& ctc_;
    std::string previous_;
    bool first_ = true;
  };

  std::string pad_, delimiter_;
  bool cleanup_;
};

}  // namespace

DecoderPointer make_ctc_decoder(const JsonView& json) {
  return std::make_unique<Ctc>(json);
}

}  // namespace swiftlet::text
