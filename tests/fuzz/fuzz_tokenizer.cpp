// Tokenizer files and texts. An input is a tokenizer file, a zero byte and a text; without a zero byte all of
// it is both. The file is tried as a tokenizer.json, as a tokenizer.bin and as a vocab.txt.

#include "tests/fuzz/fuzz_tokenizer.h"

#include "swiftlet/text/llama2c_file.h"
#include "swiftlet/text/vocab_txt.h"

using swiftlet::Tokenizer;
using swiftlet::fuzz::attempt;
using swiftlet::fuzz::tokenizer_of;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::string file(all.substr(0, all.find('\0')));
  const std::string_view text = file.size() < size ? all.substr(file.size() + 1) : all;
  attempt(text, [&] { return Tokenizer::from_json(file, "input"); });
  // A tokenizer.bin is full of zero bytes.
  attempt(all, [&] { return tokenizer_of(swiftlet::text::convert_llama2c(all, "input")); });
  attempt(text, [&] { return tokenizer_of(swiftlet::text::convert_vocab_txt(file, {}, "input")); });
  return 0;
}
