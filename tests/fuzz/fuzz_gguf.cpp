// GGUF files: container, blocks of every type, configuration, and the text of the tokenizer, whose own target
// is fuzz_tokenizer.

#include <spdlog/spdlog.h>

#include "swiftlet/core/error.h"
#include "swiftlet/core/log.h"
#include "swiftlet/io/gguf_checkpoint.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

void read(swiftlet::Buffer bytes) {
  const swiftlet::Checkpoint checkpoint = swiftlet::parse_gguf(std::move(bytes), "input");
  for (const auto& [name, weight] : checkpoint.weights) {
    swiftlet::check_weight(weight);
    swiftlet::touch(weight.codes);
    swiftlet::touch(weight.scales);
  }
  swiftlet::touch(checkpoint.tokenizer.bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool quiet = [] {
    swiftlet::logger().set_level(spdlog::level::err);  // rounded blocks and unread keys are the rule here
    return true;
  }();
  static_cast<void>(quiet);
  try {
    read(swiftlet::fuzz_buffer(data, size));
  } catch (const swiftlet::Error&) {
  }
  return 0;
}
