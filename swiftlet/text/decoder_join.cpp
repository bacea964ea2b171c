// Decoders about the joints between tokens: Fuse, BPEDecoder, and spaces where a file names no decoder.
#include "swiftlet/text/decoder.h"
#include "swiftlet/text/regex.h"

namespace swiftlet::text {
namespace {

// All tokens become one.
class Fuse final : public Decoder {
 public:
  TokenSinkPointer open(TokenSink& next) const override { return std::make_unique<Sink>(next); }

 private:
  class Sink final : public TokenSink {
   public:
    explicit Sink(TokenSink& next) : next_(next) {}
    void part(std::string_view text) override { next_.part(text); }
    void end_token() override {}
    void finish() override {
      next_.end_token();
      next_.finish();
    }

   private:
    TokenSink& next_;
  };
};

class SpaceJoiner final : public Decoder {
 public:
  TokenSinkPointer open(TokenSink& next) const override { return std::make_unique<Sink>(next); }

 private:
  class Sink final : public WholeTokenSink {
   public:
    using WholeTokenSink::WholeTokenSink;
    void token(std::string_view text) override {
      if (!first_) next_.part(" ");
      first_ = false;
      pass_on(text);
    }

   private:
    bool first_ = true;
  };
};

// The suffix of a token ("</w>") is a space, but none after the last token: each waits for the next.
class BpeDecoder final : public Decoder {
 public:
  explicit BpeDecoder(const JsonView& json) : suffix_(json.string_or("suffix", "</w>")) {}
  TokenSinkPointer open(TokenSink& next) const override { return std::make_unique<Sink>(suffix_, next); }

 private:
  class Sink final : public WholeTokenSink {
   public:
    Sink(const std::string& suffix, TokenSink& next) : WholeTokenSink(next), suffix_(suffix) {}

    void token(std::string_view text) override {
      if (waiting_) release(" ");
      held_ = text;
      waiting_ = true;
    }
    void finish() override {
      if (waiting_) release("");
      next_.finish();
    }

   private:
    void release(std::string_view by) {
      std::vector<Span> places;
      find_literal(held_, suffix_, places);
      std::string out;
      std::size_t last = 0;
      for (const Span& place : places) {
        out.append(held_, last, place.begin - last).append(by);
        last = place.end;
      }
      pass_on(out.append(held_, last));
    }

    const std::string& suffix_;
    std::string held_;
    bool waiting_ = false;
  };

  std::string suffix_;
};

}  // namespace

DecoderPointer make_fuse(const JsonView&) {
  return std::make_unique<Fuse>();
}
DecoderPointer make_bpe_decoder(const JsonView& json) {
  return std::make_unique<BpeDecoder>(json);
}
DecoderPointer make_space_joiner() {
  return std::make_unique<SpaceJoiner>();
}

}  // namespace swiftlet::text
