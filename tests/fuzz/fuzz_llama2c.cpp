// llama2.c models; the same bytes are tried as a tokenizer.bin as well.

#include "swiftlet/core/error.h"
#include "swiftlet/io/llama2c.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const swiftlet::Buffer bytes = swiftlet::fuzz_buffer(data, size);
  swiftlet::count_llama2c_pieces(bytes.bytes());
  try {
    const auto checkpoint = swiftlet::parse_llama2c(bytes, "input");
    for (const auto& [name, weight] : checkpoint.weights) swiftlet::touch(weight.codes);
  } catch (const swiftlet::Error&) {
  }
  return 0;
}
