#include "swiftlet/text/model.h"

#include <array>

#include "swiftlet/text/byte_level.h"
#include "swiftlet/text/unicode.h"

namespace swiftlet::text {
namespace {

struct Kind {
  std::string_view name;
  ModelPointer (*make)(const JsonView&);
};

constexpr std::array kKinds = {
    Kind{"WordPiece", make_wordpiece},
    Kind{"BPE", make_bpe},
    Kind{"Unigram", make_unigram},
    Kind{"WordLevel", make_wordlevel},
};

// Early files do not name the kind; their members tell it.
std::string_view guess_type(const JsonView& json) {
  if (json.find("merges")) return "BPE";
  if (json.find("max_input_chars_per_word")) return "WordPiece";
  if (json.at("vocab").is_array()) return "Unigram";
  return "WordLevel";
}

}  // namespace

void Model::tokenize_bytes(std::string_view piece, std::vector<ModelToken>& out) const {
  std::string spelled;
  std::vector<std::uint32_t> bytes;  // which byte each byte of the spelling is of
  for (std::uint32_t i = 0; i < piece.size(); ++i) {
    append_utf8(spelled, kByteAlphabet.character[static_cast<std::uint8_t>(piece[i])]);
    bytes.resize(spelled.size(), i);
  }
  const std::size_t before = out.size();
  tokenize(spelled, out);
  for (auto token = out.begin() + static_cast<std::ptrdiff_t>(before); token != out.end(); ++token) {
    token->begin = bytes[token->begin];
    token->end = bytes[token->end - 1] + 1;
  }
}

ModelPointer make_model(const JsonView& json) {
  const std::optional<JsonView> named = json.find("type");
  const std::string_view type = named ? named->string() : guess_type(json);
  for (const Kind& kind : kKinds)
    if (kind.name == type) return kind.make(json);
  json.unsupported("the model {} is not available", shown(type));
}

}  // namespace swiftlet::text
