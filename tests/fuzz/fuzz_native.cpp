// Native files. The hash of the header would stop nearly every input at the door, so it is made right first.

#include <algorithm>
#include <cstring>

#include "swiftlet/core/error.h"
#include "swiftlet/io/native.h"
#include "swiftlet/io/native_format.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

// A copy whose header carries its own hash, if it has a place for one.
swiftlet::Buffer sealed(const std::uint8_t* data, std::size_t size) {
  swiftlet::Buffer bytes = swiftlet::Buffer::heap(size);
  std::copy_n(reinterpret_cast<const std::byte*>(data), size, bytes.mutable_data());
  std::uint64_t length = 0;
  if (size < sizeof length) return bytes;
  std::memcpy(&length, data, sizeof length);
  if (length > size - sizeof length) return bytes;
  char* header = reinterpret_cast<char*>(bytes.mutable_data()) + sizeof length;
  const std::string_view text(header, length);
  const std::string hash = swiftlet::header_hash(text);
  const std::string mark = "\"" + std::string(swiftlet::kHeaderHashKey) + "\":\"";
  if (!hash.empty()) std::memcpy(header + text.find(mark) + mark.size(), hash.data(), hash.size());
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto checkpoint =
        swiftlet::parse_native(swiftlet::SafetensorsFile::parse(sealed(data, size), "input"));
    swiftlet::touch(checkpoint.tokenizer.bytes);
    swiftlet::touch(checkpoint.tokenizer.tables);
    for (const auto& [name, weight] : checkpoint.weights) {
      swiftlet::touch(weight.codes);
      swiftlet::touch(weight.scales);
      swiftlet::touch(weight.zero_points);
    }
  } catch (const swiftlet::Error&) {
  }
  return 0;
}
