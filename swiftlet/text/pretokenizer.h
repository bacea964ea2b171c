// Second stage of the pipeline: pre-tokenizers cut the normalized text into pieces, the words that the model
// then cuts into tokens on its own. No token reaches over the border of a piece.
//
// A new kind is one file with a factory, declared below, and one row of the table in pretokenizer.cpp.
// Immutable after construction and shareable between threads.
#pragma once

#include <memory>
#include <vector>

#include "swiftlet/text/json_view.h"
#include "swiftlet/text/normalized_text.h"

namespace swiftlet::text {

// A text and its pieces: ranges of bytes, never empty, in order, not overlapping. What lies between pieces
// was dropped.
struct PreTokens {
  NormalizedText text;
  std::vector<Span> pieces;
  // The pieces are to be spelled in the byte alphabet (byte_level.h). Most often nothing but the model reads
  // them afterwards, and that can do with the bytes themselves.
  bool bytes_pending = false;

  std::string_view piece(const Span& span) const {
    return text.text().substr(span.begin, span.end - span.begin);
  }
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  // REQUIRES: !tokens.bytes_pending.
  virtual void apply(PreTokens& tokens) const = 0;
};

using PreTokenizerPointer = std::unique_ptr<const PreTokenizer>;
using PreTokenizers = std::vector<PreTokenizerPointer>;

// The "pre_tokenizer" part of a tokenizer file; a Sequence is flattened. Throws kUnsupported for a kind that
// is not known, naming it.
PreTokenizers make_pretokenizers(const JsonView& json);
// Starts with the whole text as one piece (none when it is empty) and runs all stages.
PreTokens pretokenize(const PreTokenizers& pretokenizers, NormalizedText text);
// Spells all pieces in the byte alphabet, as ByteLevel leaves it to be done.
void write_bytes(PreTokens& tokens);

// The kinds.
PreTokenizerPointer make_bert_pretokenizer(const JsonView& json);
PreTokenizerPointer make_byte_level_pretokenizer(const JsonView& json);
PreTokenizerPointer make_split(const JsonView& json);
PreTokenizerPointer make_metaspace_pretokenizer(const JsonView& json);
PreTokenizerPointer make_whitespace(const JsonView& json);
PreTokenizerPointer make_whitespace_split(const JsonView& json);
PreTokenizerPointer make_digits(const JsonView& json);
PreTokenizerPointer make_punctuation(const JsonView& json);
PreTokenizerPointer make_char_delimiter_split(const JsonView& json);
PreTokenizerPointer make_fixed_length(const JsonView& json);
PreTokenizerPointer make_unicode_scripts(const JsonView& json);

}  // namespace swiftlet::text
