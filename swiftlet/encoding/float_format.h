// f32, f16, bf16: elements as IEEE 754 lays them out (core/float_bits.h draws the bits).
//
//   f32         panels [N/16][K][16]         element of a panel  column * 16 + row
//   f16, bf16   panels [N/16][K/2][16][2]    element of a panel  ((column / 2) * 16 + row) * 2 + column % 2
//
// 16-bit elements lie in pairs of columns because a BF16 dot product reads two at once.
#pragma once

#include <cstdint>
#include <cstring>

#include "swiftlet/core/float_bits.h"
#include "swiftlet/encoding/panel.h"

namespace swiftlet {

// Bytes of one element of a float format.
inline std::int64_t float_bytes(Format format) {
  return format == Format::kF32 ? 4 : 2;
}

// Index of an element inside its panel, in elements.
inline std::int64_t float_panel_index(Format format, std::int64_t row, std::int64_t column) {
  return format == Format::kF32 ? column * kPanelRows + row
                                : (column / 2 * kPanelRows + row) * 2 + column % 2;
}

inline float load_float(Format format, const std::byte* at) {
  if (format == Format::kF32) {
    float value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
  std::uint16_t bits;
  std::memcpy(&bits, at, sizeof bits);
  return format == Format::kF16 ? f16_to_f32(bits) : bf16_to_f32(bits);
}

// Rounds to nearest, ties to even.
inline void store_float(Format format, float value, std::byte* at) {
  if (format == Format::kF32) {
    std::memcpy(at, &value, sizeof value);
    return;
  }
  const std::uint16_t bits = format == Format::kF16 ? f32_to_f16(value) : f32_to_bf16(value);
  std::memcpy(at, &bits, sizeof bits);
}

}  // namespace swiftlet
