// Metaspace: the visible space becomes a space again, but for the one before the text.
#include "swiftlet/text/decoder.h"
#include "swiftlet/text/metaspace.h"
#include "swiftlet/text/unicode.h"

namespace swiftlet::text {
namespace {

class MetaspaceDecoder final : public Decoder {
 public:
  explicit MetaspaceDecoder(const JsonView& json) : options_(json) {}
  TokenSinkPointer open(TokenSink& next) const override { return std::make_unique<Sink>(options_, next); }

 private:
  class Sink final : public WholeTokenSink {
   public:
    Sink(const MetaspaceOptions& options, TokenSink& next) : WholeTokenSink(next), options_(options) {}

    void token(std::string_view text) override {
      std::string out;
      for (std::size_t at = 0; at < text.size();) {
        const Char c = char_at(text, at);
        if (c.code != options_.replacement) {
          out.append(text, at, c.bytes);
        } else if (!first_ || options_.prepend == PrependScheme::kNever) {
          out += ' ';
        }
        at += c.bytes;
      }
      first_ = false;
      pass_on(out);
    }

   private:
    const MetaspaceOptions& options_;
    bool first_ = true;
  };

  MetaspaceOptions options_;
};

}  // namespace

DecoderPointer make_metaspace_decoder(const JsonView& json) {
  return std::make_unique<MetaspaceDecoder>(json);
}

}  // namespace swiftlet::text
