#include "swiftlet/text/normalizer.h"

#include <array>

namespace swiftlet::text {
namespace {

struct Kind {
  std::string_view name;
  NormalizerPointer (*make)(const JsonView&);
};

constexpr std::array kKinds = {
    Kind{"BertNormalizer", make_bert_normalizer},
    Kind{"NFC", make_nfc},
    Kind{"NFD", make_nfd},
    Kind{"NFKC", make_nfkc},
    Kind{"NFKD", make_nfkd},
    Kind{"Lowercase", make_lowercase},
    Kind{"StripAccents", make_strip_accents},
    Kind{"Strip", make_strip},
    Kind{"Replace", make_replace_normalizer},
    Kind{"Prepend", make_prepend},
    Kind{"Precompiled", make_precompiled},
    Kind{"Nmt", make_nmt},
    Kind{"ByteLevel", make_byte_level_normalizer},
};

void append(const JsonView& json, Normalizers& out) {
  const std::string_view type = json.at("type").string();
  if (type == "Sequence") {
    json.at("normalizers").each([&](const JsonView& item) { append(item, out); });
    return;
  }
  for (const Kind& kind : kKinds)
    if (kind.name == type) {
      out.push_back(kind.make(json));
      return;
    }
  json.unsupported("the normalizer {} is not available", shown(type));
}

}  // namespace

Normalizers make_normalizers(const JsonView& json) {
  Normalizers out;
  append(json, out);
  return out;
}

void normalize(const Normalizers& normalizers, NormalizedText& text) {
  for (const NormalizerPointer& normalizer : normalizers) normalizer->normalize(text);
}

}  // namespace swiftlet::text
