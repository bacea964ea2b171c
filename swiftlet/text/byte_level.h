// The alphabet of byte-level tokenizers: each of the 256 bytes is written as one visible character, so that a
// vocabulary file holds no control characters and no spaces (byte 0x20 is written as U+0120).
//
// Printable Latin-1 stands for itself; the 68 other bytes take U+0100, U+0101, ... in order (GPT-2).
#pragma once

#include <array>
#include <cstdint>

namespace swiftlet::text {

struct ByteAlphabet {
  std::array<char32_t, 256> character;   // of a byte
  std::array<std::int16_t, 0x144> byte;  // of a character, -1 for characters outside the alphabet

  constexpr ByteAlphabet() : character(), byte() {
    byte.fill(-1);
    char32_t next = 0x100;
    for (int b = 0; b < 256; ++b) {
      const bool printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xFF && b != 0xAD);
      const char32_t c = printable ? static_cast<char32_t>(b) : next++;
      character[static_cast<std::size_t>(b)] = c;
      byte[c] = static_cast<std::int16_t>(b);
    }
  }
  // The byte that a character stands for, or -1.
  constexpr int byte_of(char32_t code) const { return code < byte.size() ? byte[code] : -1; }
};

inline constexpr ByteAlphabet kByteAlphabet;

}  // namespace swiftlet::text
