// Lowercase and StripAccents.
#include "swiftlet/text/normalizer.h"

namespace swiftlet::text {
namespace {

class Lowercase final : public Normalizer {
 public:
  void normalize(NormalizedText& text) const override { lower_case(text); }
};

class StripAccents final : public Normalizer {
 public:
  void normalize(NormalizedText& text) const override { remove_chars(text, is_combining_mark); }
};

}  // namespace

void lower_case(NormalizedText& text) {
  Rewrite rewrite(text);
  const std::string_view old = rewrite.old();
  std::string lower;
  for (std::size_t at = 0; at < old.size();) {
    const Char c = char_at(old, at);
    lower.clear();
    append_lower(lower, c.code);
    rewrite.put(lower, at, c.bytes);
    at += c.bytes;
  }
  rewrite.finish();
}

NormalizerPointer make_lowercase(const JsonView&) {
  return std::make_unique<Lowercase>();
}
NormalizerPointer make_strip_accents(const JsonView&) {
  return std::make_unique<StripAccents>();
}

}  // namespace swiftlet::text
