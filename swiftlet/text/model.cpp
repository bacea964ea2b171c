#include "swiftlet/text/model.h"

#include <array>

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

ModelPointer make_model(const JsonView& json) {
  const std::optional<JsonView> named = json.find("type");
  const std::string_view type = named ? named->string() : guess_type(json);
  for (const Kind& kind : kKinds)
    if (kind.name == type) return kind.make(json);
  json.unsupported("the model {} is not available", shown(type));
}

}  // namespace swiftlet::text
