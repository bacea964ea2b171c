#include "swiftlet/text/model.h"

#include <array>

#include "swiftlet/text/byte_level.h"
#include "swiftlet/text/unicode.h"

namespace swiftlet::text {
namespace {

struct Kind {
  std::string_view name;
  ModelTables (*read)(const JsonView&);
  ModelPointer (*make)(const JsonView&, ModelTables);
};

constexpr std::array kKinds = {
    Kind{"WordPiece", read_words, make_wordpiece},
    Kind{"BPE", read_bpe, make_bpe},
    Kind{"Unigram", read_unigram, make_unigram},
    Kind{"WordLevel", read_words, make_wordlevel},
};

// Early files do not name the kind; their members tell it.
std::string_view guess_type(const JsonView& json) {
  if (json.find("merges")) return "BPE";
  if (json.find("max_input_chars_per_word")) return "WordPiece";
  if (json.at("vocab").is_array()) return "Unigram";
  return "WordLevel";
}

const Kind& kind_of(const JsonView& json) {
  const std::optional<JsonView> named = json.find("type");
  const std::string_view type = named ? named->string() : guess_type(json);
  for (const Kind& kind : kKinds)
    if (kind.name == type) return kind;
  json.unsupported("the model {} is not available", shown(type));
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

ModelTables read_words(const JsonView& json) {
  return {read_vocabulary(json.at("vocab")), {}, {}, {}};
}

ModelPointer make_model(const JsonView& json) {
  const Kind& kind = kind_of(json);
  return kind.make(json, kind.read(json));
}

ModelPointer make_model(const JsonView& json, ModelTables tables) {
  return kind_of(json).make(json, std::move(tables));
}

std::string_view model_kind(const JsonView& json) {
  return kind_of(json).name;
}

}  // namespace swiftlet::text
