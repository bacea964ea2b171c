// safetensors: any bytes are a file whose every tensor can be read, or an Error.

#include "swiftlet/core/error.h"
#include "swiftlet/io/safetensors.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto file = swiftlet::SafetensorsFile::parse(swiftlet::fuzz_buffer(data, size), "input");
    for (const auto& entry : file.entries()) swiftlet::touch(file.tensor(entry).buffer());
  } catch (const swiftlet::Error&) {
  }
  return 0;
}
