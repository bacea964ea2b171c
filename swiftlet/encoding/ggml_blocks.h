// The block types of GGUF files: how ggml stores a row of numbers, as a table of what each type is called,
// how large its blocks are and how one is decoded. io/ lays Q4_K, Q5_K, Q6_K and Q5_0 out in panels
// bit for bit (block_formats.h), the others in int8 and int4, exactly where `codes` says how.
//
// All integers little endian; d, m: f16 scales and offsets; q: codes, low nibbles before high ones:
//
//   byte i of 16      low nibble: element i       high nibble: element i + 16
//
//   32 elements
//   Q4_0     d | 16 x nibbles                      (q - 8) * d
//   Q4_1     d | m | 16 x nibbles                  q * d + m
//   Q5_0     d | u32 fifth bits | 16 x nibbles     (q - 16) * d
//   Q5_1     d | m | u32 fifth bits | 16 x nibbles q * d + m
//   Q8_0     d | 32 x i8                           q * d
//   IQ4_NL   d | 16 x nibbles                      table[q] * d
//   MXFP4    u8 exponent | 16 x nibbles            e2m1[q] * 2^(exponent - 127): OCP Microscaling Formats
//   v1.0
//
//   256 elements in groups that have small integer scales of their own
//   Q2_K     16 x (scale, offset nibble) | 64 x 2-bit | d | dmin
//   Q3_K     32 x high bits | 64 x 2-bit | 16 x 6-bit scales | d
//   Q4_K     d | dmin | 8 x (6-bit scale, offset) | 128 x nibbles
//   Q5_K     d | dmin | 8 x (6-bit scale, offset) | 32 x fifth bits | 128 x nibbles
//   Q6_K     128 x nibbles | 64 x high 2 bits | 16 x i8 scales | d
//   IQ4_XS   d | 8 x 2 high bits of scales | 8 x 4 low bits | 128 x nibbles
//   TQ1_0    48 + 4 x five (four) digits of base 3 | d     (digit - 1) * d
//   TQ2_0    64 x 2-bit | d                                (q - 1) * d
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "swiftlet/encoding/encoding.h"

namespace swiftlet {

inline constexpr int kGgmlGroup = 32;       // elements that share a scale where `codes` is there
inline constexpr int kGgmlMostBlock = 256;  // elements of the longest block

struct GgmlType {
  std::uint32_t id;       // in the file
  std::string_view name;  // "Q4_K"
  int block;              // elements of a block; 0: a type that is not read
  int bytes;              // of a block
  // The block as f32, each operation rounded once in the order of ggml's definition. out has `block`
  // elements.
  void (*decode)(const std::byte* in, float* out);
  // For types whose value is code * scale with one scale for 32 elements, else null: the codes of group
  // `group` of the block, within [-128, 127], and the scale as f32.
  void (*codes)(const std::byte* in, int group, std::int8_t* out, float* scale);
  // That holds the codes: kInt8, or kInt4 where they lie in [-8, 7]; of floats and block formats the type
  // itself.
  Format format;

  bool is_float() const { return block == 1; }
  bool is_known() const { return block > 0; }
};

// The type with this id, those that are not read among them; null for an id that ggml does not know either.
const GgmlType* find_ggml_type(std::uint32_t id);
// All that are read, in the order of ids.
std::span<const GgmlType> ggml_types();

}  // namespace swiftlet
