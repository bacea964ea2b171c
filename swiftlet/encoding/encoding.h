// Encoding: how the numbers of a weight are stored. The bit layouts are drawn in the header of each format.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace swiftlet {

enum class Format : std::uint8_t { kF32, kF16, kBF16, kInt8, kInt4 };

// A value is (code - zero_point) * scale for the integer formats. Codes are stored unsigned; the zero point
// of a symmetric encoding is the constant 2^(bits-1), that of an asymmetric one is stored beside each scale.
struct Encoding {
  Format format = Format::kF32;
  int group = 0;            // elements of a row that share a scale; 0: the whole row (per output channel)
  bool asymmetric = false;  // with a zero point per scale

  bool is_integer() const { return format == Format::kInt8 || format == Format::kInt4; }
  int bits() const {
    return format == Format::kF32 ? 32 : format == Format::kInt8 ? 8 : format == Format::kInt4 ? 4 : 16;
  }
  bool operator==(const Encoding&) const = default;
};

// "f32", "bf16", "int8", "int4-g32", "int4-g32-asym".
std::string to_string(const Encoding& encoding);
// The inverse of to_string; nullopt for anything else.
std::optional<Encoding> parse_encoding(std::string_view text);

}  // namespace swiftlet
