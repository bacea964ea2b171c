// Third stage of the pipeline: the model cuts a piece of text into tokens of its vocabulary.
//
// A new kind is one file with a factory, declared below, and one row of the table in model.cpp.
// Immutable after construction and shareable between threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/text/json_view.h"
#include "swiftlet/text/vocabulary.h"

namespace swiftlet::text {

struct ModelToken {
  std::int32_t id;
  std::uint32_t begin, end;  // bytes of the piece
  bool operator==(const ModelToken&) const = default;
};

class Model {
 public:
  explicit Model(Vocabulary vocabulary) : vocabulary_(std::move(vocabulary)) {}
  virtual ~Model() = default;

  // Appends the tokens of `piece` (valid UTF-8, not empty), left to right.
  virtual void tokenize(std::string_view piece, std::vector<ModelToken>& out) const = 0;
  // The tokens of a piece that the vocabulary spells in the byte alphabet (byte_level.h), while `piece` holds
  // the bytes themselves, to which the places refer. Not empty.
  virtual void tokenize_bytes(std::string_view piece, std::vector<ModelToken>& out) const;
  // The token for what the vocabulary cannot say, or Vocabulary::kNone.
  virtual std::int32_t unknown_id() const = 0;
  // What stands before pieces that continue a word, where a kind spells it.
  virtual std::string_view continuing_prefix() const { return {}; }

  const Vocabulary& vocabulary() const { return vocabulary_; }

 protected:
  Vocabulary vocabulary_;
};

using ModelPointer = std::unique_ptr<const Model>;

// The "model" part of a tokenizer file. Throws kUnsupported for a kind that is not known, naming it.
ModelPointer make_model(const JsonView& json);

// The kinds.
ModelPointer make_wordpiece(const JsonView& json);
ModelPointer make_bpe(const JsonView& json);
ModelPointer make_unigram(const JsonView& json);
ModelPointer make_wordlevel(const JsonView& json);

}  // namespace swiftlet::text
