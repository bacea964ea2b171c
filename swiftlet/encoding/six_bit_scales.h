// Scales and offsets of six bits: eight of each for the 256 columns of a row in a block of q4_k or q5_k. The
// head of such a block, for the sixteen rows of a panel:
//
//   byte    0   d      f16 [16]
//          32   dmin   f16 [16]
//          64   w0     u8 [16][4]    low bits 0..5: scale of group 0..3    bits 6, 7: bits 4, 5 of scale 4..7
//         128   w1     u8 [16][4]    low bits 0..5: offset of group 0..3   bits 6, 7: bits 4, 5 of
//         offset 4..7 192   w2     u8 [16][4]    low nibble: scale of group 4..7       high nibble: offset of
//         group 4..7
//
// So four bytes of a row hold what four groups need, and a mask or two give registers of them.
#pragma once

#include <cstdint>

#include "swiftlet/encoding/panel.h"

namespace swiftlet {

// Of one group of one row: value = d * scale * (code - zero point) - dmin * offset.
struct BlockScale {
  int scale = 1, offset = 0;
};

struct SixBitScales {
  static constexpr std::int64_t kOffsets = 32, kWords = 64;  // where dmin and w0 begin
  static constexpr std::int64_t kBytes = 256;

  // Byte `group % 4` of word `i` of a row.
  static std::int64_t at(std::int64_t i, std::int64_t lane, std::int64_t group) {
    return kWords + (i * kPanelRows + lane) * 4 + group % 4;
  }
  static BlockScale get(const std::uint8_t* block, std::int64_t lane, std::int64_t group) {
    const int w0 = block[at(0, lane, group)], w1 = block[at(1, lane, group)];
    if (group < 4) return {w0 & 63, w1 & 63};
    const int w2 = block[at(2, lane, group)];
    return {(w2 & 15) | w0 >> 6 << 4, w2 >> 4 | w1 >> 6 << 4};
  }
};

}  // namespace swiftlet
