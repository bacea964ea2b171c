// ByteFallback: a run of tokens <0xNN> becomes the text of these bytes.
#include "swiftlet/text/decoder.h"
#include "swiftlet/text/unicode.h"

namespace swiftlet::text {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// The byte of "<0xNN>", or -1.
int byte_of(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
  const int high = hex_digit(token[3]), low = hex_digit(token[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// A run counts as a whole: if it is not UTF-8, each of its bytes becomes U+FFFD. So it waits for its end.
class ByteFallbackSink final : public WholeTokenSink {
 public:
  using WholeTokenSink::WholeTokenSink;

  void token(std::string_view text) override {
    const int byte = byte_of(text);
    if (byte >= 0) {
      run_.push_back(static_cast<char>(byte));
      return;
    }
    flush();
    pass_on(text);
  }
  void finish() override {
    flush();
    next_.finish();
  }

 private:
  void flush() {
    if (run_.empty()) return;
    if (is_utf8(run_)) {
      pass_on(run_);
    } else {
      std::string replacement;
      append_utf8(replacement, kReplacementCharacter);
      for (std::size_t i = 0; i < run_.size(); ++i) pass_on(replacement);
    }
    run_.clear();
  }

  static bool is_utf8(std::string_view bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
      const Utf8Piece piece = next_utf8_piece(bytes, at);
      if (!piece.valid) return false;
      at += piece.bytes;
    }
    return true;
  }

  std::string run_;
};

class ByteFallback final : public Decoder {
 public:
  TokenSinkPointer open(TokenSink& next) const override { return std::make_unique<ByteFallbackSink>(next); }
};

}  // namespace

DecoderPointer make_byte_fallback(const JsonView&) {
  return std::make_unique<ByteFallback>();
}

}  // namespace swiftlet::text
