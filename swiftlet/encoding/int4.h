// int4: two codes a byte, in panel order [N/16][K/8][16][4] bytes.
//
//   byte of a panel   ((column / 8) * 16 + row) * 4 + column % 4
//   low nibble        columns 8j + 0..3
//   high nibble       columns 8j + 4..7
//
//   byte  0          1          2          3          4 ...
//         c4 | c0    c5 | c1    c6 | c2    c7 | c3    (row 1: c4 | c0) ...
//
// So one mask and one shift give two registers in the order of int8 panels.
//
//   symmetric    value = (code - 8) * scale, codes 0..15; the element of largest magnitude lies near
//                -8 * scale, so the scale may be negative
//   asymmetric   value = (code - zero_point) * scale, codes and zero point 0..15
#pragma once

#include <cstdint>

#include "swiftlet/encoding/panel.h"

namespace swiftlet {

struct Int4Codes {
  static constexpr std::int64_t kStep = 8;
  static constexpr int kMaxCode = 15;
  static constexpr int kZeroPoint = 8;

  static std::int64_t offset(std::int64_t row, std::int64_t column) {
    return (column / 8 * kPanelRows + row) * 4 + column % 4;
  }
  static int shift(std::int64_t column) { return column % 8 < 4 ? 0 : 4; }
  static int get(const std::uint8_t* panel, std::int64_t row, std::int64_t column) {
    return panel[offset(row, column)] >> shift(column) & 15;
  }
  static void set(std::uint8_t* panel, std::int64_t row, std::int64_t column, int code) {
    std::uint8_t& byte = panel[offset(row, column)];
    byte = static_cast<std::uint8_t>((byte & ~(15 << shift(column))) | code << shift(column));
  }
};

}  // namespace swiftlet
