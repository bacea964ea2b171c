// The bytes of a fuzzer as a Buffer, without a copy.
#pragma once

#include <cstdint>

#include "swiftlet/core/buffer.h"

namespace swiftlet {

inline Buffer fuzz_buffer(const std::uint8_t* data, std::size_t size) {
  return Buffer::borrowed(nullptr, reinterpret_cast<const std::byte*>(data), size);
}

// Reads every byte, so that a buffer that reaches beyond the input is noticed.
inline void touch(const Buffer& buffer) {
  unsigned sum = 0;
  for (const std::byte byte : buffer.bytes()) sum += std::to_integer<unsigned>(byte);
  volatile unsigned sink = sum;
  static_cast<void>(sink);
}

}  // namespace swiftlet
