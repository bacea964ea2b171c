// q5_k: the values of GGUF's Q5_K. A block is 256 columns of the sixteen rows of a panel, eight groups of 32:
//
//   byte    0   256 bytes   d, dmin, scales and offsets, as six_bit_scales.h draws them
//         256   2560        eight groups of 320 bytes:
//                             64    fifth bits   byte row * 4 + column % 4, bit column / 4 of the group
//                             256   low nibbles of the codes 0..31 in the order of int4.h
//
//   value = d * scale * code - dmin * offset         2816 bytes for 4096 values: 5.5 bits
#pragma once

#include "swiftlet/encoding/int4.h"
#include "swiftlet/encoding/six_bit_scales.h"

namespace swiftlet {

// A group of 32 codes of five bits.
struct FiveBitGroup {
  static constexpr std::int64_t kNibbles = 64, kBytes = 320;

  static int code(const std::uint8_t* group, std::int64_t lane, std::int64_t column) {
    const int fifth = group[lane * 4 + column % 4] >> column / 4 & 1;
    return Int4Codes::get(group + kNibbles, lane, column) | fifth << 4;
  }
};

struct Q5KBlocks {
  static constexpr std::int64_t kColumns = 256, kGroup = 32, kHeader = 0;
  static constexpr std::int64_t kCodes = SixBitScales::kBytes, kGroupBytes = FiveBitGroup::kBytes;
  static constexpr std::int64_t kBytes = kCodes + kColumns / kGroup * kGroupBytes;
  static constexpr int kZeroPoint = 0;
  static constexpr bool kHasOffsets = true;

  static int code(const std::uint8_t* block, std::int64_t lane, std::int64_t column) {
    return FiveBitGroup::code(block + kCodes + column / kGroup * kGroupBytes, lane, column % kGroup);
  }
  static BlockScale scale(const std::uint8_t* block, std::int64_t lane, std::int64_t group) {
    return SixBitScales::get(block, lane, group);
  }
};

}  // namespace swiftlet
