// Encoding: how the numbers of a weight are stored. The bit layouts are drawn in the header of each format.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace swiftlet {

enum class Format : std::uint8_t { kF32, kF16, kBF16, kInt8, kInt4, kQ4K, kQ5K, kQ6K, kQ50, kQ4R };

// A value is (code - zero_point) * scale for the integer formats. Codes are stored unsigned; the zero point
// of a symmetric encoding is the constant 2^(bits-1), that of an asymmetric one is stored beside each scale.
// Block formats (block_formats.h) have groups and scales of their own.
struct Encoding {
  Format format = Format::kF32;
  int group = 0;            // elements of a row that share a scale; 0: the whole row (per output channel)
  bool asymmetric = false;  // with a zero point per scale

  bool has_blocks() const { return format >= Format::kQ4K; }
  bool is_integer() const { return format >= Format::kInt8; }  // codes under scales, not floats
  // Of one element: of its code, scales apart.
  int bits() const {
    switch (format) {
      case Format::kF32:
        return 32;
      case Format::kF16:
      case Format::kBF16:
        return 16;
      case Format::kInt8:
        return 8;
      case Format::kInt4:
      case Format::kQ4K:
      case Format::kQ4R:
        return 4;
      case Format::kQ5K:
      case Format::kQ50:
        return 5;
      case Format::kQ6K:
        return 6;
    }
    return 0;
  }
  bool operator==(const Encoding&) const = default;
};

// "f32", "bf16", "int8", "int4-g32", "int4-g32-asym", "q4_k".
std::string to_string(const Encoding& encoding);
// The inverse of to_string; nullopt for anything else.
std::optional<Encoding> parse_encoding(std::string_view text);

}  // namespace swiftlet
