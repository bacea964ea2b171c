// q4_k: the values of GGUF's Q4_K. A block is 256 columns of the sixteen rows of a panel, eight groups of 32:
//
//   byte    0   256 bytes   d, dmin, scales and offsets, as six_bit_scales.h draws them
//         256   2048        eight groups of 256 bytes: codes 0..15 in the order of int4.h
//
//   value = d * scale * code - dmin * offset         2304 bytes for 4096 values: 4.5 bits
//
// The blocks of a panel follow each other.
#pragma once

#include "swiftlet/encoding/int4.h"
#include "swiftlet/encoding/six_bit_scales.h"

namespace swiftlet {

struct Q4KBlocks {
  static constexpr std::int64_t kColumns = 256, kGroup = 32, kHeader = 0;
  static constexpr std::int64_t kCodes = SixBitScales::kBytes, kGroupBytes = 256;
  static constexpr std::int64_t kBytes = kCodes + kColumns / kGroup * kGroupBytes;
  static constexpr int kZeroPoint = 0;
  static constexpr bool kHasOffsets = true;

  static int code(const std::uint8_t* block, std::int64_t lane, std::int64_t column) {
    return Int4Codes::get(block + kCodes, lane, column);
  }
  static BlockScale scale(const std::uint8_t* block, std::int64_t lane, std::int64_t group) {
    return SixBitScales::get(block, lane, group);
  }
};

}  // namespace swiftlet
