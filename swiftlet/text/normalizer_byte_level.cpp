// ByteLevel as a normalizer: the text in the byte alphabet (byte_level.h).
#include "swiftlet/text/byte_level.h"
#include "swiftlet/text/normalizer.h"

namespace swiftlet::text {
namespace {

class ByteLevelNormalizer final : public Normalizer {
 public:
  void normalize(NormalizedText& text) const override {
    Rewrite rewrite(text);
    const std::string_view old = rewrite.old();
    for (std::size_t at = 0; at < old.size(); ++at) put_byte(rewrite, at);
    rewrite.finish();
  }
};

}  // namespace

void put_byte(Rewrite& rewrite, std::size_t at) {
  const auto byte = static_cast<std::uint8_t>(rewrite.old()[at]);
  rewrite.put(kByteAlphabet.character[byte], at, byte < 0x80 ? 1 : 0);
}

NormalizerPointer make_byte_level_normalizer(const JsonView&) {
  return std::make_unique<ByteLevelNormalizer>();
}

}  // namespace swiftlet::text
