#include "swiftlet/text/pretokenizer.h"

#include <array>

namespace swiftlet::text {
namespace {

struct Kind {
  std::string_view name;
  PreTokenizerPointer (*make)(const JsonView&);
};

constexpr std::array kKinds = {
    Kind{"BertPreTokenizer", make_bert_pretokenizer},
    Kind{"ByteLevel", make_byte_level_pretokenizer},
    Kind{"Split", make_split},
    Kind{"Metaspace", make_metaspace_pretokenizer},
    Kind{"Whitespace", make_whitespace},
    Kind{"WhitespaceSplit", make_whitespace_split},
    Kind{"Digits", make_digits},
    Kind{"Punctuation", make_punctuation},
    Kind{"CharDelimiterSplit", make_char_delimiter_split},
    Kind{"FixedLength", make_fixed_length},
    Kind{"UnicodeScripts", make_unicode_scripts},
};

void append(const JsonView& json, PreTokenizers& out) {
  const std::string_view type = json.at("type").string();
  if (type == "Sequence") {
    json.at("pretokenizers").each([&](const JsonView& item) { append(item, out); });
    return;
  }
  for (const Kind& kind : kKinds)
    if (kind.name == type) {
      out.push_back(kind.make(json));
      return;
    }
  json.unsupported("the pre-tokenizer {} is not available", shown(type));
}

}  // namespace

PreTokenizers make_pretokenizers(const JsonView& json) {
  PreTokenizers out;
  append(json, out);
  return out;
}

PreTokens pretokenize(const PreTokenizers& pretokenizers, NormalizedText text) {
  PreTokens tokens{std::move(text), {}, false};
  if (tokens.text.empty()) return tokens;
  tokens.pieces.push_back({0, static_cast<std::uint32_t>(tokens.text.text().size())});
  for (const PreTokenizerPointer& stage : pretokenizers) {
    if (tokens.bytes_pending) write_bytes(tokens);
    stage->apply(tokens);
  }
  return tokens;
}

}  // namespace swiftlet::text
