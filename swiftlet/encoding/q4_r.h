// q4_r: Swiftlet's own four bits, made for integer arithmetic along whole rows. A row has one scale in f32,
// each group of sixteen columns an integer one that multiplies it, as the scales of a block in k-quants do:
// so products of whole rows add up in integers, exactly. A panel is
//
//   byte    0    64 bytes   row scales   f32 [16]
//          64   288 for each block of 32 columns:
//                             32    scales   i8 [2 groups][16]
//                             256   codes    nibbles in the order of int4.h
//
//   value = row scale * scale * (code - 8)           4.5 bits, and 4 bytes for each row
//
// Row scales have 8 significant bits, so that a value is exact in f32. Scales lie within most_scale(K), which
// keeps the sum of a row's products with codes within +-127 in 31 bits.
#pragma once

#include "swiftlet/encoding/int4.h"
#include "swiftlet/encoding/six_bit_scales.h"

namespace swiftlet {

struct Q4RBlocks {
  static constexpr std::int64_t kColumns = 32, kGroup = 16, kHeader = 64;
  static constexpr std::int64_t kCodes = kColumns / kGroup * kPanelRows, kGroupBytes = 128;
  static constexpr std::int64_t kBytes = kCodes + kColumns / kGroup * kGroupBytes;
  static constexpr int kZeroPoint = 8;
  static constexpr bool kHasOffsets = false;

  static int code(const std::uint8_t* block, std::int64_t lane, std::int64_t column) {
    return Int4Codes::get(block + kCodes, lane, column);
  }
  static BlockScale scale(const std::uint8_t* block, std::int64_t lane, std::int64_t group) {
    return {static_cast<std::int8_t>(block[group * kPanelRows + lane]), 0};
  }
  static constexpr int most_scale(std::int64_t k) {
    const std::int64_t most = std::int64_t{0x7fffffff} / (8 * 127 * k);
    return most > 127 ? 127 : static_cast<int>(most);
  }
};

}  // namespace swiftlet
