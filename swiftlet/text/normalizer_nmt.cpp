// Nmt: what the first translation models did to control characters and to spaces of other scripts.
#include "swiftlet/text/normalizer.h"

namespace swiftlet::text {
namespace {

bool is_dropped(char32_t c) {
  return (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F ||
         c == 0x9F;
}

bool becomes_space(char32_t c) {
  return c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
         c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
}

class Nmt final : public Normalizer {
 public:
  void normalize(NormalizedText& text) const override {
    remove_chars(text, is_dropped);
    Rewrite rewrite(text);
    const std::string_view old = rewrite.old();
    for (std::size_t at = 0; at < old.size();) {
      const Char c = char_at(old, at);
      if (becomes_space(c.code)) {
        rewrite.put(" ", at, c.bytes);
      } else {
        rewrite.keep(at, at + c.bytes);
      }
      at += c.bytes;
    }
    rewrite.finish();
  }
};

}  // namespace

NormalizerPointer make_nmt(const JsonView&) {
  return std::make_unique<Nmt>();
}

}  // namespace swiftlet::text
