// A panel of a weight as tiles read it: blocks of whole words, one signed byte a code with the symmetric zero
// point already taken off, zeros where a group ends within a block; and its scales as f32.
#pragma once

#include "swiftlet/encoding/int4.h"
#include "swiftlet/encoding/int8.h"
#include "swiftlet/kernels/amx/blocks.h"
#include "swiftlet/kernels/amx/lanes.h"

namespace swiftlet::kernels {
namespace {
namespace amx {

using ByteLanes = std::uint8_t __attribute__((vector_size(64)));

template <int kZeroPoint>
[[gnu::always_inline]] inline void less_zero_point(const Words& codes, std::uint8_t* to) {
  ByteLanes bytes;
  same_bits(bytes, codes);
  bytes -= static_cast<std::uint8_t>(kZeroPoint);
  store_lanes(to, bytes);
}

struct SpreadPanel {
  std::uint8_t* codes;        // [blocks][words of a block][16][4]
  float* scales;              // [groups][16]
  std::int32_t* zero_points;  // [groups][16], less the symmetric one; null where all are zero
};

inline std::int64_t symmetric_zero_point(const Encoding& encoding) {
  return encoding.format == Format::kInt8 ? Int8Codes::kZeroPoint : Int4Codes::kZeroPoint;
}

// Bytes of one.
inline std::int64_t spread_bytes(const Blocks& blocks) {
  return blocks.panel_bytes() + 2 * blocks.groups * kRowBytes;
}
inline SpreadPanel carve_spread_panel(const Blocks& blocks, std::byte* memory) {
  auto* scales = reinterpret_cast<float*>(memory + blocks.panel_bytes());
  return {reinterpret_cast<std::uint8_t*>(memory), scales,
          reinterpret_cast<std::int32_t*>(scales + blocks.groups * kPanelRows)};
}

// One row of nibbles: two words of sixteen channels.
inline void spread_nibbles(const std::uint8_t* from, std::uint8_t* to) {
  Words both, low, high;
  load_lanes(both, from);
  low = both & 0x0f0f0f0fu;
  high = (both >> 4) & 0x0f0f0f0fu;
  less_zero_point<Int4Codes::kZeroPoint>(low, to);
  less_zero_point<Int4Codes::kZeroPoint>(high, to + kRowBytes);
}
inline void spread_bytes_of(const std::uint8_t* from, std::uint8_t* to) {
  Words codes;
  load_lanes(codes, from);
  less_zero_point<Int8Codes::kZeroPoint>(codes, to);
}

inline void spread_codes(const PanelView& w, std::int64_t panel, const Blocks& blocks, std::uint8_t* to) {
  const auto* from = reinterpret_cast<const std::uint8_t*>(w.codes + panel * w.geometry.panel_code_bytes);
  const bool nibbles = w.encoding.format == Format::kInt4;
  const std::int64_t whole = blocks.per_group * blocks.words;
  for (std::int64_t g = 0; g < blocks.groups; ++g, to += whole * kRowBytes) {
    const std::int64_t count = blocks.words_of(g);
    if (nibbles)
      for (std::int64_t i = 0; i < count; i += 2, from += kRowBytes) spread_nibbles(from, to + i * kRowBytes);
    else
      for (std::int64_t i = 0; i < count; ++i, from += kRowBytes) spread_bytes_of(from, to + i * kRowBytes);
    if (count < whole)
      __builtin_memset(to + count * kRowBytes, 0, static_cast<std::size_t>((whole - count) * kRowBytes));
  }
}

// f16 to f32, exact.
inline void widen_halves(Floats& to, const void* from) {
  Halves halves;
  load_lanes(halves, from);
  Words bits, rest;
  convert_lanes(bits, halves);
  rest = bits & 0x7fffu;
  Floats finite;
  const Words shifted = rest << 13;
  same_bits(finite, shifted);
  finite *= 0x1p112f;  // the exponent's offset; denormals become normal
  Words result;
  same_bits(result, finite);
  // Infinity and NaN keep the highest exponent.
  result = (rest >= 0x7c00u) ? (shifted | 0x7f800000u) : result;
  result |= (bits & 0x8000u) << 16;
  same_bits(to, result);
}

// The scales of all groups of a panel, one after another.
inline void spread_scales(const PanelView& w, std::int64_t panel, float* to) {
  const std::int64_t groups = w.geometry.groups;
  const std::byte* from = w.scales + panel * groups * kPanelRows * w.geometry.scale_bytes;
  for (std::int64_t g = 0; g < groups; ++g, from += kPanelRows * w.geometry.scale_bytes) {
    Floats scale;
    if (w.geometry.scale_bytes == 2)
      widen_halves(scale, from);
    else
      load_lanes(scale, from);
    store_lanes(to + g * kPanelRows, scale);
  }
}

inline void spread_zero_points(const PanelView& w, std::int64_t panel, std::int64_t offset,
                               std::int32_t* to) {
  const std::int64_t count = w.geometry.groups * kPanelRows;
  const std::uint8_t* from = w.zero_points + panel * count;
  for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<std::int32_t>(from[i] - offset);
}

inline SpreadPanel spread_panel(const PanelView& w, std::int64_t panel, const Blocks& blocks,
                                std::byte* memory) {
  SpreadPanel spread = carve_spread_panel(blocks, memory);
  spread_codes(w, panel, blocks, spread.codes);
  spread_scales(w, panel, spread.scales);
  if (w.zero_points == nullptr)
    spread.zero_points = nullptr;
  else
    spread_zero_points(w, panel, symmetric_zero_point(w.encoding), spread.zero_points);
  return spread;
}

}  // namespace amx
}  // namespace
}  // namespace swiftlet::kernels
