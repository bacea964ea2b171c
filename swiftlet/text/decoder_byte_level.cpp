// ByteLevel: the characters of the byte alphabet become bytes again, and the bytes one text.
#include "swiftlet/text/byte_level.h"
#include "swiftlet/text/decoder.h"
#include "swiftlet/text/unicode.h"

namespace swiftlet::text {
namespace {

// Passes on bytes as soon as they make whole characters; malformed ones become U+FFFD.
class ByteLevelSink final : public WholeTokenSink {
 public:
  using WholeTokenSink::WholeTokenSink;

  void token(std::string_view text) override {
    const std::size_t before = bytes_.size();
    for (std::size_t at = 0; at < text.size();) {
      const Char c = char_at(text, at);
      const int byte = kByteAlphabet.byte_of(c.code);
      if (byte < 0) {  // not of the alphabet (an added token): the text as it stands
        bytes_.resize(before);
        bytes_.append(text);
        break;
      }
      bytes_.push_back(static_cast<char>(byte));
      at += c.bytes;
    }
    flush(false);
  }

  void finish() override {
    flush(true);
    next_.end_token();  // all tokens together are one
    next_.finish();
  }

 private:
  void flush(bool last) {
    std::string out;
    std::size_t at = 0;
    while (at < bytes_.size()) {
      const Utf8Piece piece = next_utf8_piece(bytes_, at);
      if (piece.cut_short && !last) break;
      if (piece.valid) {
        out.append(bytes_, at, piece.bytes);
      } else {
        append_utf8(out, kReplacementCharacter);
      }
      at += piece.bytes;
    }
    bytes_.erase(0, at);
    if (!out.empty()) next_.part(out);
  }

  std::string bytes_;
};

class ByteLevelDecoder final : public Decoder {
 public:
  TokenSinkPointer open(TokenSink& next) const override { return std::make_unique<ByteLevelSink>(next); }
};

}  // namespace

DecoderPointer make_byte_level_decoder(const JsonView&) {
  return std::make_unique<ByteLevelDecoder>();
}

}  // namespace swiftlet::text
