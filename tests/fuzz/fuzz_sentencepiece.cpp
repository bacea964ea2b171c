// SentencePiece models: any bytes are a tokenizer that can be used, or an Error. An input is a text of at
// most 31 bytes, whose length is the first byte, and the file.

#include "swiftlet/text/sentencepiece.h"
#include "tests/fuzz/fuzz_tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::size_t length = all.empty() ? 0 : static_cast<std::size_t>(data[0]) % 32;
  if (size < length + 1) return 0;
  const std::string_view text = all.substr(1, length), file = all.substr(1 + length);
  swiftlet::fuzz::attempt(text, [&] {
    const auto model = swiftlet::text::parse_sentencepiece(file, "input");
    return swiftlet::fuzz::tokenizer_of(swiftlet::text::convert_sentencepiece(model, {}, "input"));
  });
  return 0;
}
