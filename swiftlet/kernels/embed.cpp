// Embedding look-up: one row of a weight in any encoding and layout, decoded to f32.
#include <cstring>

#include "swiftlet/core/float_bits.h"
#include "swiftlet/kernels/rows.h"

namespace swiftlet::kernels {
namespace {

template <class T>
T load_as(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

float float_at(Format format, const std::byte* codes, std::int64_t index) {
  switch (format) {
    case Format::kF16:
      return f16_to_f32(load_as<std::uint16_t>(codes + index * 2));
    case Format::kBF16:
      return bf16_to_f32(load_as<std::uint16_t>(codes + index * 2));
    default:
      return load_as<float>(codes + index * 4);
  }
}

void embed_dense(const Weight& weight, std::int64_t row, std::int64_t k, float* y) {
  const std::byte* codes = weight.codes.data();
  const Format format = weight.encoding.format;
  if (format == Format::kF32) {
    std::memcpy(y, codes + row * k * 4, static_cast<std::size_t>(k) * 4);
    return;
  }
  for (std::int64_t i = 0; i < k; ++i) y[i] = float_at(format, codes, row * k + i);
}

// `lane` is the row within its panel; a step holds `step` columns of each of the 16 rows.
void embed_float_panel(Format format, const std::byte* panel, std::int64_t lane, std::int64_t k, float* y) {
  const std::int64_t step = format == Format::kF32 ? 1 : 2;
  for (std::int64_t i = 0; i < k; ++i)
    y[i] = float_at(format, panel, (i / step * kPanelRows + lane) * step + i % step);
}

// The code of column `i` counted from the first column of a group.
int code_at(Format format, const std::byte* group, std::int64_t lane, std::int64_t i) {
  if (format == Format::kInt8) return static_cast<int>(group[(i / 4 * kPanelRows + lane) * 4 + i % 4]);
  const int pair = static_cast<int>(group[(i / 8 * kPanelRows + lane) * 4 + i % 4]);
  return i % 8 < 4 ? pair & 15 : pair >> 4;
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
    for (std::int64_t i = 0; i < count; ++i)
      y[begin + i] =
          static_cast<float>(code_at(encoding.format, codes + g * group_bytes, lane, i) - zero) * scale;
  }
}

}  // namespace

void embed_row(const Weight& weight, std::int64_t row, float* y) noexcept {
  const std::int64_t k = weight.shape.elements() / weight.shape[0];
  if (weight.layout == Layout::kRows) return embed_dense(weight, row, k, y);
  const PanelGeometry geometry = panel_geometry(weight.encoding, weight.shape[0], k);
  if (weight.encoding.is_integer()) return embed_integer_panel(weight, geometry, row, y);
  embed_float_panel(weight.encoding.format,
                    weight.codes.data() + row / kPanelRows * geometry.panel_code_bytes, row % kPanelRows, k,
                    y);
}

}  // namespace swiftlet::kernels
