// Decoders that edit each token: Strip and Replace.
#include <algorithm>

#include "swiftlet/text/decoder.h"
#include "swiftlet/text/pattern.h"

namespace swiftlet::text {
namespace {

// Takes at most `start` characters `content` off the front of a token, and `stop` off its end.
class Strip final : public Decoder {
 public:
  explicit Strip(const JsonView& json)
      : content_(json.at("content").character()),
        start_(static_cast<std::size_t>(json.at("start").integer(0, INT32_MAX))),
        stop_(static_cast<std::size_t>(json.at("stop").integer(0, INT32_MAX))) {}

  TokenSinkPointer open(TokenSink& next) const override { return std::make_unique<Sink>(*this, next); }

 private:
  // Works on parts, since after Fuse the token is the whole text.
  class Sink final : public TokenSink {
   public:
    Sink(const Strip& strip, TokenSink& next) : strip_(strip), next_(next), left_(strip.start_) {}

    void part(std::string_view text) override {
      std::string out;
      for (std::size_t at = 0; at < text.size();) {
        const Char c = char_at(text, at);
        character(c.code, out);
        at += c.bytes;
      }
      if (!out.empty()) next_.part(out);
    }
    void end_token() override {
      left_ = strip_.start_;
      held_ = 0;
      next_.end_token();
    }
    void finish() override { next_.finish(); }

   private:
    void character(char32_t code, std::string& out) {
      if (code != strip_.content_) {
        for (; held_ > 0; --held_) append_utf8(out, strip_.content_);
        append_utf8(out, code);
        left_ = 0;
      } else if (left_ > 0) {
        --left_;
      } else if (held_ < strip_.stop_) {
        ++held_;  // may be at the end
      } else {
        append_utf8(out, code);
      }
    }

    const Strip& strip_;
    TokenSink& next_;
    std::size_t left_, held_ = 0;
  };

  char32_t content_;
  std::size_t start_, stop_;
};

class Replace final : public Decoder {
 public:
  explicit Replace(const JsonView& json)
      : pattern_(json.at("pattern")), content_(json.at("content").string()) {}

  TokenSinkPointer open(TokenSink& next) const override { return std::make_unique<Sink>(*this, next); }
  double growth() const override {
    return std::max(1.0, static_cast<double>(content_.size()) / pattern_.least_bytes());
  }

 private:
  class Sink final : public WholeTokenSink {
   public:
    Sink(const Replace& replace, TokenSink& next) : WholeTokenSink(next), replace_(replace) {}

    void token(std::string_view text) override {
      matches_.clear();
      replace_.pattern_.find_all(text, matches_);
      std::string out;
      std::size_t last = 0;
      for (const Span& match : matches_) {
        out.append(text, last, match.begin - last).append(replace_.content_);
        last = match.end;
      }
      pass_on(out.append(text, last));
    }

   private:
    const Replace& replace_;
    std::vector<Span> matches_;
  };

  Pattern pattern_;
  std::string content_;
};

}  // namespace

DecoderPointer make_strip_decoder(const JsonView& json) {
  return std::make_unique<Strip>(json);
}
DecoderPointer make_replace_decoder(const JsonView& json) {
  return std::make_unique<Replace>(json);
}

}  // namespace swiftlet::text
