// Block formats: the encodings q4_k, q5_k, q6_k and q5_0, which keep the block types of GGUF files bit for
// bit, sixteen rows of a panel side by side, and Swiftlet's own q4_r. Their headers draw the bits. A block
// holds codes and the scales of its groups, so a Weight has its `codes` alone.
//
//   value = d * scale * (code - zero point) - dmin * offset       d, dmin f16; scale, offset small integers
//
// d is that of a block; in q4_r it is one for the row, in f32, at the head of the panel.
//
// The first product is exact in f32, so a value is rounded once at most, as ggml's definition has it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "swiftlet/core/float_bits.h"
#include "swiftlet/encoding/encoding.h"
#include "swiftlet/encoding/q4_k.h"
#include "swiftlet/encoding/q4_r.h"
#include "swiftlet/encoding/q5_0.h"
#include "swiftlet/encoding/q5_k.h"
#include "swiftlet/encoding/q6_k.h"

namespace swiftlet {

// Returns f(Q4KBlocks()) or that of another block format of GGUF. REQUIRES: one of them.
template <class F>
auto with_gguf_format(Format format, F f) {
  if (format == Format::kQ4K) return f(Q4KBlocks());
  if (format == Format::kQ5K) return f(Q5KBlocks());
  if (format == Format::kQ6K) return f(Q6KBlocks());
  return f(Q50Blocks());
}
// Of any block format. REQUIRES: Encoding::has_blocks().
template <class F>
auto with_block_format(Format format, F f) {
  return format == Format::kQ4R ? f(Q4RBlocks()) : with_gguf_format(format, f);
}

struct BlockSize {
  std::int64_t columns, group;  // of a block, and of those that share a scale
  std::int64_t bytes;           // of the block of a panel
  std::int64_t header;          // bytes of a panel before its blocks
};
inline BlockSize block_size(Format format) {
  return with_block_format(format, [](auto kind) -> BlockSize {
    return {decltype(kind)::kColumns, decltype(kind)::kGroup, decltype(kind)::kBytes,
            decltype(kind)::kHeader};
  });
}

// The scale of a row of q4_r.
inline float q4_r_scale(const std::uint8_t* panel, std::int64_t lane) {
  float scale;
  std::memcpy(&scale, panel + lane * 4, sizeof scale);
  return scale;
}
// d of a row of a block, and dmin where there are offsets.
inline float block_d(const std::uint8_t* block, std::int64_t lane) {
  std::uint16_t half;
  std::memcpy(&half, block + lane * 2, sizeof half);
  return f16_to_f32(half);
}
inline float block_dmin(const std::uint8_t* block, std::int64_t lane) {
  return block_d(block + SixBitScales::kOffsets, lane);
}

// d of a row, wherever its format has it.
template <class Kind>
float block_scale(Kind, const std::uint8_t*, const std::uint8_t* block, std::int64_t lane) {
  return block_d(block, lane);
}
inline float block_scale(Q4RBlocks, const std::uint8_t* panel, const std::uint8_t*, std::int64_t lane) {
  return q4_r_scale(panel, lane);
}

// Whether d and dmin of a row of a block are finite: then all its values are.
bool block_is_finite(Format format, const std::uint8_t* block, std::int64_t lane);

// One row of k columns of a panel as f32.
void decode_block_row(Format format, const std::uint8_t* panel, std::int64_t lane, std::int64_t k,
                      float* out);

// One row of a block, as GGUF stores it (ggml_blocks.h), into the block of a panel and out of it: every bit
// of the type, for each is the other's inverse. REQUIRES: a format of GGUF, as block_is_finite() does.
void put_block(Format format, const std::byte* in, std::uint8_t* block, std::int64_t lane);
void take_block(Format format, const std::uint8_t* block, std::int64_t lane, std::byte* out);

}  // namespace swiftlet
