// GGUF files: container, blocks of every type, configuration and tokenizer.

#include "swiftlet/core/error.h"
#include "swiftlet/io/gguf_checkpoint.h"
#include "swiftlet/text/tokenizer.h"
#include "swiftlet/warnings.h"
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
  const swiftlet::Tokenizer tokenizer = swiftlet::Tokenizer::from_source(checkpoint.tokenizer);
  static_cast<void>(tokenizer.decode(tokenizer.encode("A text, ein Satz, 一句话.").ids));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool quiet = [] {
    swiftlet::set_warning_handler([](std::string_view) {});  // rounded blocks and unread keys are the rule
    return true;
  }();
  static_cast<void>(quiet);
  try {
    read(swiftlet::fuzz_buffer(data, size));
  } catch (const swiftlet::Error&) {
  }
  return 0;
}
