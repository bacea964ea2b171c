// q6_k: the values of GGUF's Q6_K. A block is 256 columns of the sixteen rows of a panel, sixteen groups of
// 16:
//
//   byte    0   32 bytes   d        f16 [16]
//          32   256        scales   i8 [16 groups][16]
//         288   3072       sixteen groups of 192 bytes:
//                            64    bits 4, 5    byte row * 4 + column % 4, bits 2j and 2j + 1, j = column / 4
//                            128   low nibbles of the codes 0..63 in the order of int4.h
//
//   value = d * scale * (code - 32)                  3360 bytes for 4096 values: 6.5625 bits
#pragma once

#include "swiftlet/encoding/int4.h"
#include "swiftlet/encoding/six_bit_scales.h"

namespace swiftlet {

struct Q6KBlocks {
  static constexpr std::int64_t kColumns = 256, kGroup = 16, kHeader = 0;
  static constexpr std::int64_t kScales = 32, kCodes = kScales + kColumns / kGroup * kPanelRows;
  static constexpr std::int64_t kNibbles = 64, kGroupBytes = 192;
  static constexpr std::int64_t kBytes = kCodes + kColumns / kGroup * kGroupBytes;
  static constexpr int kZeroPoint = 32;
  static constexpr bool kHasOffsets = false;

  static int code(const std::uint8_t* block, std::int64_t lane, std::int64_t column) {
    const std::uint8_t* group = block + kCodes + column / kGroup * kGroupBytes;
    const std::int64_t c = column % kGroup;
    const int high = group[lane * 4 + c % 4] >> c / 4 * 2 & 3;
    return Int4Codes::get(group + kNibbles, lane, c) | high << 4;
  }
  static BlockScale scale(const std::uint8_t* block, std::int64_t lane, std::int64_t group) {
    return {static_cast<std::int8_t>(block[kScales + group * kPanelRows + lane]), 0};
  }
};

}  // namespace swiftlet
