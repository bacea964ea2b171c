// q5_0: the values of GGUF's Q5_0. A block is 32 columns of the sixteen rows of a panel:
//
//   byte    0   32 bytes   d   f16 [16]
//          32   320        codes 0..31, a group of five bits as q5_k.h draws it
//
//   value = d * (code - 16)                          352 bytes for 512 values: 5.5 bits
#pragma once

#include "swiftlet/encoding/q5_k.h"

namespace swiftlet {

struct Q50Blocks {
  static constexpr std::int64_t kColumns = 32, kGroup = 32, kHeader = 0;
  static constexpr std::int64_t kCodes = 32, kGroupBytes = FiveBitGroup::kBytes;
  static constexpr std::int64_t kBytes = kCodes + kGroupBytes;
  static constexpr int kZeroPoint = 16;
  static constexpr bool kHasOffsets = false;

  static int code(const std::uint8_t* block, std::int64_t lane, std::int64_t column) {
    return FiveBitGroup::code(block + kCodes, lane, column);
  }
  static BlockScale scale(const std::uint8_t*, std::int64_t, std::int64_t) { return {1, 0}; }
};

}  // namespace swiftlet
