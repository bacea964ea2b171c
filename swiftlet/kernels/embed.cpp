// Embedding look-up: one row of a weight in any encoding and layout, decoded to f32.
#include <cstring>
#include <type_traits>

#include "swiftlet/core/float_bits.h"
#include "swiftlet/encoding/block_formats.h"
#include "swiftlet/kernels/rows.h"

namespace swiftlet::kernels {
namespace {

template <class T>
T load_as(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <Format kFormat>
float float_at(const std::byte* codes, std::int64_t index) {
  if constexpr (kFormat == Format::kF16)
    return f16_to_f32(load_as<std::uint16_t>(codes + index * 2));
  else if constexpr (kFormat == Format::kBF16)
    return bf16_to_f32(load_as<std::uint16_t>(codes + index * 2));
  else
    return load_as<float>(codes + index * 4);
}

// Calls body(constant), so that its loops are compiled for each float format.
template <class Body>
void with_float_format(Format format, Body&& body) {
  if (format == Format::kF16)
    body(std::integral_constant<Format, Format::kF16>{});
  else if (format == Format::kBF16)
    body(std::integral_constant<Format, Format::kBF16>{});
  else
    body(std::integral_constant<Format, Format::kF32>{});
}

void embed_dense(Format format, const std::byte* codes, std::int64_t k, float* y) {
  with_float_format(format, [&](auto kFormat) {
    for (std::int64_t i = 0; i < k; ++i) y[i] = float_at<kFormat>(codes, i);
  });
}

// `lane` is the row within its panel; a step holds `step` columns of each of the 16 rows.
void embed_float_panel(Format format, const std::byte* panel, std::int64_t lane, std::int64_t k, float* y) {
  with_float_format(format, [&](auto kFormat) {
    constexpr std::int64_t kStep = kFormat == Format::kF32 ? 1 : 2;
    for (std::int64_t i = 0; i < k; ++i)
      y[i] = float_at<kFormat>(panel, (i / kStep * kPanelRows + lane) * kStep + i % kStep);
  });
}

// `count` columns of one group, of int8 and of int4 codes.
void embed_int8(const std::byte* codes, std::int64_t count, int zero, float scale, float* y) {
  for (std::int64_t i = 0; i < count; ++i)
    y[i] = static_cast<float>(static_cast<int>(codes[i / 4 * kPanelRows * 4 + i % 4]) - zero) * scale;
}
void embed_int4(const std::byte* codes, std::int64_t count, int zero, float scale, float* y) {
  for (std::int64_t i = 0; i < count; ++i) {
    const int pair = static_cast<int>(codes[i / 8 * kPanelRows * 4 + i % 4]);
    y[i] = static_cast<float>((i % 8 < 4 ? pair & 15 : pair >> 4) - zero) * scale;
  }
}

void embed_integer_panel(const Weight& weight, const PanelGeometry& geometry, std::int64_t row, float* y) {
  const Encoding& encoding = weight.encoding;
  const std::int64_t panel = row / kPanelRows, lane = row % kPanelRows;
  const std::byte* codes = weight.codes.data() + panel * geometry.panel_code_bytes;
  const std::int64_t group_bytes = geometry.padded_group * kPanelRows * encoding.bits() / 8;
  for (std::int64_t g = 0; g < geometry.groups; ++g) {
    const std::int64_t at = (panel * geometry.groups + g) * kPanelRows + lane;
    const float scale = geometry.scale_bytes == 4
                            ? load_as<float>(weight.scales.data() + at * 4)
                            : f16_to_f32(load_as<std::uint16_t>(weight.scales.data() + at * 2));
    const int zero =
        encoding.asymmetric ? static_cast<int>(weight.zero_points.data()[at]) : 1 << (encoding.bits() - 1);
    const std::int64_t begin = g * geometry.group;
    const std::int64_t count = geometry.k - begin < geometry.group ? geometry.k - begin : geometry.group;
    const auto embed = encoding.format == Format::kInt8 ? embed_int8 : embed_int4;
    embed(codes + g * group_bytes + lane * 4, count, zero, scale, y + begin);
  }
}

}  // namespace

void embed_row(const Weight& weight, std::int64_t row, float* y) noexcept {
  const std::int64_t k = weight.shape.elements() / weight.shape[0];
  const Format format = weight.encoding.format;
  if (weight.layout == Layout::kRows)
    return embed_dense(format, weight.codes.data() + row * k * weight.encoding.bits() / 8, k, y);
  const PanelGeometry geometry = panel_geometry(weight.encoding, weight.shape[0], k);
  if (weight.encoding.has_blocks())
    return decode_block_row(format,
                            reinterpret_cast<const std::uint8_t*>(weight.codes.data()) +
                                row / kPanelRows * geometry.panel_code_bytes,
                            row % kPanelRows, k, y);
  if (weight.encoding.is_integer()) return embed_integer_panel(weight, geometry, row, y);
  embed_float_panel(format, weight.codes.data() + row / kPanelRows * geometry.panel_code_bytes,
                    row % kPanelRows, k, y);
}

}  // namespace swiftlet::kernels
