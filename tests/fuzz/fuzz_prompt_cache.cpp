// Prompt caches, of a model with two small layers. The checksum is the last thing that is looked at.
#include "swiftlet/core/error.h"
#include "swiftlet/engine/prompt_cache.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const swiftlet::PromptCacheKind kind{.model = "m",
                                       .instructions = "avx2",
                                       .cache = "BF16",
                                       .layers = {{256, 128}, {128, 128}},
                                       .vocab_size = 100};
  try {
    const auto file = swiftlet::parse_prompt_cache(
        swiftlet::SafetensorsFile::parse(swiftlet::fuzz_buffer(data, size), "input"), kind);
    for (const swiftlet::Buffer& keys : file.keys) swiftlet::touch(keys);
    for (const swiftlet::Buffer& values : file.values) swiftlet::touch(values);
  } catch (const swiftlet::Error&) {
  }
  return 0;
}
