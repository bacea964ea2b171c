// First stage of the pipeline: normalizers rewrite the text (lower case, accents, Unicode forms, ...).
//
// A new kind is one file with a factory, declared below, and one row of the table in normalizer.cpp.
// Immutable after construction and shareable between threads.
#pragma once

#include <memory>
#include <vector>

#include "swiftlet/text/json_view.h"
#include "swiftlet/text/normalized_text.h"

namespace swiftlet::text {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void normalize(NormalizedText& text) const = 0;
};

using Normalizers = std::vector<std::unique_ptr<const Normalizer>>;

// The "normalizer" part of a tokenizer file; a Sequence is flattened. Throws kUnsupported for a kind that is
// not known, naming it.
Normalizers make_normalizers(const JsonView& json);
void normalize(const Normalizers& normalizers, NormalizedText& text);

// The kinds.
using NormalizerPointer = std::unique_ptr<const Normalizer>;
NormalizerPointer make_bert_normalizer(const JsonView& json);
NormalizerPointer make_nfc(const JsonView& json);
NormalizerPointer make_nfd(const JsonView& json);
NormalizerPointer make_nfkc(const JsonView& json);
NormalizerPointer make_nfkd(const JsonView& json);
NormalizerPointer make_lowercase(const JsonView& json);
NormalizerPointer make_strip_accents(const JsonView& json);
NormalizerPointer make_strip(const JsonView& json);
NormalizerPointer make_replace_normalizer(const JsonView& json);
NormalizerPointer make_prepend(const JsonView& json);
NormalizerPointer make_precompiled(const JsonView& json);
NormalizerPointer make_nmt(const JsonView& json);
NormalizerPointer make_byte_level_normalizer(const JsonView& json);

// What several kinds share.
void lower_case(NormalizedText& text);
void to_nfd(NormalizedText& text);
// Removes the characters for which drop(code) is true.
template <class F>
void remove_chars(NormalizedText& text, F&& drop) {
  Rewrite rewrite(text);
  const std::string_view old = rewrite.old();
  for (std::size_t at = 0; at < old.size();) {
    const Char c = char_at(old, at);
    if (!drop(c.code)) rewrite.keep(at, at + c.bytes);
    at += c.bytes;
  }
  rewrite.finish();
}
// Puts `prefix` before a text that is not empty; the new bytes share the place of the first character.
void prepend(NormalizedText& text, std::string_view prefix);
// The byte `at` of the old text in the byte alphabet.
void put_byte(Rewrite& rewrite, std::size_t at);

}  // namespace swiftlet::text
