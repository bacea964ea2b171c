// tiktoken files: any bytes are a tokenizer that can be used, or an Error. The file is also the text.

#include "swiftlet/text/tiktoken.h"
#include "tests/fuzz/fuzz_tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  swiftlet::fuzz::attempt(file.substr(0, 64), [&] {
    return swiftlet::fuzz::tokenizer_of(swiftlet::text::convert_tiktoken(file, {}, "input"));
  });
  return 0;
}
