// GGUF files: container, blocks of every type, configuration, and the tokenizer, which must then cut a text.

#include <spdlog/spdlog.h>

#include "swiftlet/core/error.h"
#include "swiftlet/core/log.h"
#include "swiftlet/io/gguf_checkpoint.h"
#include "swiftlet/text/tokenizer.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

void read(swiftlet::Buffer bytes) {
  const swiftlet::Checkpoint checkpoint = swiftlet::parse_gguf(std::move(bytes), "input");
  for (const auto& [name, weight] : checkpoint.weights) {
    swiftlet::check_weight(weight);
    swiftlet::touch(weight.codes);
    swiftlet::touch(weight.scales);
  }
  if (checkpoint.tokenizer.kind == swiftlet::TokenizerKind::kNone) return;
  const auto tokenizer = swiftlet::Tokenizer::from_source(checkpoint.tokenizer);
  const auto ids = tokenizer.encode("a b<s>\xc3\xa9 12").ids;
  swiftlet::touch(swiftlet::Buffer::borrowed(nullptr, reinterpret_cast<const std::byte*>(ids.data()),
                                             ids.size() * sizeof(ids[0])));
  tokenizer.decode(ids);
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
