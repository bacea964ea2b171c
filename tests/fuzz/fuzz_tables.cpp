// Tables of a tokenizer, as native files carry them: any bytes are a tokenizer that can be used, or an Error.
// The last bytes are also the text.

#include "swiftlet/text/tokenizer_tables.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  swiftlet::TokenizerSource source;
  source.kind = swiftlet::TokenizerKind::kTokenizerJson;
  source.where = "input";
  source.tables = swiftlet::Buffer::heap(size);  // a mapped blob is aligned
  std::copy_n(reinterpret_cast<const std::byte*>(data), size, source.tables.mutable_data());
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  try {
    const auto tokenizer = swiftlet::Tokenizer::from_text(swiftlet::text::read_tables(source), "input");
    swiftlet::fuzz::use(tokenizer, all.substr(size - std::min<std::size_t>(size, 64)));
  } catch (const swiftlet::Error&) {
  }
  return 0;
}
