// int8: one unsigned byte a code, in panel order [N/16][K/4][16][4].
//
//   byte of a panel   ((column / 4) * 16 + row) * 4 + column % 4
//
//        column  0 1 2 3   0 1 2 3         0 1 2 3   4 5 6 7 ...
//        row     0 0 0 0   1 1 1 1   ...  15 15 15 15   0 0 0 0 ...
//
//   symmetric    value = (code - 128) * scale, codes 1..255, scale = max|x| / 127
//   asymmetric   value = (code - zero_point) * scale, codes and zero point 0..255
#pragma once

#include <cstdint>

#include "swiftlet/encoding/panel.h"

namespace swiftlet {

struct Int8Codes {
  static constexpr std::int64_t kStep = 4;  // columns of one step
  static constexpr int kMaxCode = 255;
  static constexpr int kZeroPoint = 128;  // of symmetric encodings

  // column counts the filled-up columns too.
  static std::int64_t offset(std::int64_t row, std::int64_t column) {
    return (column / 4 * kPanelRows + row) * 4 + column % 4;
  }
  static int get(const std::uint8_t* panel, std::int64_t row, std::int64_t column) {
    return panel[offset(row, column)];
  }
  static void set(std::uint8_t* panel, std::int64_t row, std::int64_t column, int code) {
    panel[offset(row, column)] = static_cast<std::uint8_t>(code);
  }
};

}  // namespace swiftlet
