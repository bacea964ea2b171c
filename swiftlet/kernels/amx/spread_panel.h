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

// Codes are read from memory in one stream, panel after panel, while products run: too slowly for the
// hardware to run far ahead.
inline void fetch_codes(const std::uint8_t* running) {
  constexpr std::int64_t kAhead = 4096;
  __builtin_prefetch(running + kAhead, 0, 2);
}

// One row of nibbles: two words of sixteen channels.
inline void spread_nibbles(const std::uint8_t* from, std::uint8_t* to) {
  fetch_codes(from);
  Words both, low, high;
  load_lanes(both, from);
  low = both & 0x0f0f0f0fu;
  high = (both >> 4) & 0x0f0f0f0fu;
  less_zero_point<Int4Codes::kZeroPoint>(low, to);
  less_zero_point<Int4Codes::kZeroPoint>(high, to + kRowBytes);
}
inline void spread_bytes_of(const std::uint8_t* from, std::uint8_t* to) {
  fetch_codes(from);
  Words codes;
  load_lanes(codes, from);
  less_zero_point<Int8Codes::kZeroPoint>(codes, to);
}

// The codes of one group.
[[gnu::always_inline]] inline void spread_group_codes(const PanelView& w, std::int64_t panel,
                                                      const Blocks& blocks, std::int64_t group,
                                                      std::uint8_t* to) {
  const auto* from = reinterpret_cast<const std::uint8_t*>(w.codes + panel * w.geometry.panel_code_bytes);
  const bool nibbles = w.encoding.format == Format::kInt4;
  const std::int64_t whole = blocks.per_group * blocks.words, count = blocks.words_of(group);
  from += group * blocks.group_words * (nibbles ? kRowBytes / 2 : kRowBytes);
  to += group * whole * kRowBytes;
  if (nibbles)
    for (std::int64_t i = 0; i < count; i += 2, from += kRowBytes) spread_nibbles(from, to + i * kRowBytes);
  else
    for (std::int64_t i = 0; i < count; ++i, from += kRowBytes) spread_bytes_of(from, to + i * kRowBytes);
  for (std::int64_t i = count; i < whole; ++i) store_lanes(to + i * kRowBytes, Words{});
}

inline void spread_codes(const PanelView& w, std::int64_t panel, const Blocks& blocks, std::uint8_t* to) {
  for (std::int64_t g = 0; g < blocks.groups; ++g) spread_group_codes(w, panel, blocks, g, to);
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

// Those of sixteen channels, counted over panels and groups.
[[gnu::always_inline]] inline void load_scale(const PanelView& w, std::int64_t lane, Floats& scale) {
  const std::byte* at = w.scales + lane * w.geometry.scale_bytes;
  if (w.geometry.scale_bytes == 2)
    widen_halves(scale, at);
  else
    load_lanes(scale, at);
}

// A panel on its way into a SpreadPanel, group by group.
struct PanelSpreader {
  const PanelView& w;
  const Blocks& blocks;
  std::int64_t panel;
  SpreadPanel to;

  [[gnu::always_inline]] inline void spread(std::int64_t group) const {
    spread_group_codes(w, panel, blocks, group, to.codes);
    const std::int64_t lane = (panel * blocks.groups + group) * kPanelRows;
    Floats scale;
    load_scale(w, lane, scale);
    store_lanes(to.scales + group * kPanelRows, scale);
    if (to.zero_points == nullptr) return;
    const auto symmetric = static_cast<std::int32_t>(symmetric_zero_point(w.encoding));
    for (int i = 0; i < kLaneCount; ++i)
      to.zero_points[group * kPanelRows + i] = w.zero_points[lane + i] - symmetric;
  }
};

inline PanelSpreader spreader(const PanelView& w, std::int64_t panel, const Blocks& blocks,
                              std::byte* memory) {
  PanelSpreader spreader{w, blocks, panel, carve_spread_panel(blocks, memory)};
  if (w.zero_points == nullptr) spreader.to.zero_points = nullptr;
  return spreader;
}

}  // namespace amx
}  // namespace
}  // namespace swiftlet::kernels
