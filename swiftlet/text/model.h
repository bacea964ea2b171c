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
#include "swiftlet/text/merge_table.h"
#include "swiftlet/text/token_trie.h"
#include "swiftlet/text/vocabulary.h"

namespace swiftlet::text {

struct ModelToken {
  std::int32_t id;
  std::uint32_t begin, end;  // bytes of the piece
  bool operator==(const ModelToken&) const = default;
};

// What a model looks things up in, beside its settings.
struct ModelTables {
  Vocabulary vocabulary;
  MergeTable merges;         // of byte-pair encoding
  FlatTable<double> scores;  // of Unigram, by id
  TokenTrie trie;            // of Unigram: all tokens
};

class Model {
 public:
  explicit Model(ModelTables tables) : tables_(std::move(tables)), vocabulary_(tables_.vocabulary) {}
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;
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
  const ModelTables& tables() const { return tables_; }

 protected:
  const ModelTables tables_;
  const Vocabulary& vocabulary_;
};

using ModelPointer = std::unique_ptr<const Model>;

// The "model" part of a tokenizer file. Throws kUnsupported for a kind that is not known, naming it.
ModelPointer make_model(const JsonView& json);
// The same where the tables are there already, and "vocab" and "merges" are not looked at.
ModelPointer make_model(const JsonView& json, ModelTables tables);
// "WordPiece", "BPE", "Unigram" or "WordLevel", which early files do not say. Throws kUnsupported for others.
std::string_view model_kind(const JsonView& json);

// The kinds: reading tables, and a model with tables.
ModelTables read_bpe(const JsonView& json);
ModelTables read_unigram(const JsonView& json);
ModelTables read_words(const JsonView& json);
ModelPointer make_wordpiece(const JsonView& json, ModelTables tables);
ModelPointer make_bpe(const JsonView& json, ModelTables tables);
ModelPointer make_unigram(const JsonView& json, ModelTables tables);
ModelPointer make_wordlevel(const JsonView& json, ModelTables tables);

}  // namespace swiftlet::text
