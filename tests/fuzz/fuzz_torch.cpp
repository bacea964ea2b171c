// Files of torch.save: archive, pickles and tensors.

#include "swiftlet/core/error.h"
#include "swiftlet/io/torch_file.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto file = swiftlet::parse_torch_file(swiftlet::fuzz_buffer(data, size), "input");
    for (const auto& entry : file.entries) swiftlet::touch(entry.tensor().buffer());
  } catch (const swiftlet::Error&) {
  }
  return 0;
}
