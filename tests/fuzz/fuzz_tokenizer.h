// What the targets of tokenizers share: using a tokenizer that any bytes made.
#pragma once

#include <string_view>

#include "swiftlet/core/error.h"
#include "swiftlet/text/tokenizer.h"
#include "swiftlet/text/tokenizer_json.h"

namespace swiftlet::fuzz {

inline void require_that(bool holds) {
  if (!holds) __builtin_trap();
}

inline void use(const Tokenizer& tokenizer, std::string_view text) {
  const TokenizedText encoded = tokenizer.encode(text);
  require_that(encoded.offsets.size() == encoded.ids.size());
  for (const text::Span& span : encoded.offsets)
    require_that(span.begin <= span.end && span.end <= text.size());
  StreamDecoder stream(tokenizer);
  std::string streamed;
  for (const std::int32_t id : encoded.ids) {
    require_that(tokenizer.id_to_token(id).has_value());
    streamed += stream.push(id);
  }
  require_that(streamed + stream.finish() == tokenizer.decode(encoded.ids));
  tokenizer.encode_pair(text, text, {.max_tokens = tokenizer.added_count(true) + 3});
}

// Runs `make` and uses what it made; an Error is a fine answer.
template <class F>
void attempt(std::string_view text, F&& make) {
  try {
    const Tokenizer tokenizer = make();
    use(tokenizer, text);
    require_that(Tokenizer::from_json(tokenizer.serialized(), "copy", tokenizer.config()).encode(text).ids ==
                 tokenizer.encode(text).ids);
  } catch (const Error&) {
  }
}

// Of a converter's texts.
inline Tokenizer tokenizer_of(text::TokenizerText made) {
  return Tokenizer::from_text(std::move(made), "input");
}

}  // namespace swiftlet::fuzz
