// Tokenizer files and texts. An input is a tokenizer file, a zero byte and a text; without a zero byte all of
// it is both. The file is tried as a tokenizer.json, as a tokenizer.bin and as a vocab.txt.

#include <string_view>

#include "swiftlet/core/error.h"
#include "swiftlet/text/tokenizer.h"
#include "swiftlet/text/tokenizer_files.h"

namespace {

using swiftlet::StreamDecoder;
using swiftlet::TokenizedText;
using swiftlet::Tokenizer;

void require_that(bool holds) {
  if (!holds) __builtin_trap();
}

void use(const Tokenizer& tokenizer, std::string_view text) {
  const TokenizedText encoded = tokenizer.encode(text);
  require_that(encoded.offsets.size() == encoded.ids.size());
  for (const swiftlet::text::Span& span : encoded.offsets)
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
    require_that(Tokenizer::from_json(tokenizer.serialized(), "copy").encode(text).ids ==
                 tokenizer.encode(text).ids);
  } catch (const swiftlet::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::string file(all.substr(0, all.find('\0')));
  const std::string_view text = file.size() < size ? all.substr(file.size() + 1) : all;
  attempt(text, [&] { return Tokenizer::from_json(file, "input"); });
  // A tokenizer.bin is full of zero bytes.
  attempt(all, [&] {
    return Tokenizer::from_json(swiftlet::text::json_of_llama2c(std::string(all), "input"), "input");
  });
  attempt(text, [&] {
    return Tokenizer::from_json(swiftlet::text::json_of_vocab_txt(file, "", "input", ""), "input");
  });
  return 0;
}
