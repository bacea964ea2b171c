// Matrix products, the definition: panels read plainly through the encodings' own accessors.
//
//   M tokens   N output channels   K input channels   r rows of a tile
#include <bit>
#include <cmath>
#include <cstdint>

#include "swiftlet/core/float_bits.h"
#include "swiftlet/encoding/block_formats.h"
#include "swiftlet/encoding/float_format.h"
#include "swiftlet/encoding/int4.h"
#include "swiftlet/encoding/int8.h"
#include "swiftlet/kernels/linear_kernels.h"
#include "swiftlet/kernels/scalar/math.h"
#include "swiftlet/kernels/scalar/scalar.h"

namespace swiftlet::kernels {
namespace {

constexpr int kTileRows = 4;

bool supports_decoded(const Encoding& encoding) noexcept {
  return is_decoded(encoding);
}
bool supports_bf16(const Encoding& encoding) noexcept {
  return encoding.format == Format::kBF16;
}
bool supports_integers(const Encoding& encoding) noexcept {
  return encoding.is_integer();
}

int tile_rows(bool, std::int64_t) noexcept {
  return kTileRows;
}

// Codes of one row: code = round(x * (127 / max|x|)), ties to even.
struct RowScale {
  float scale = 0, inverse = 0;
};

RowScale row_scale(const float* x, std::int64_t k) {
  std::uint32_t largest = 0;  // as bits: magnitudes order as integers, NaN and infinity above all
  for (std::int64_t c = 0; c < k; ++c) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(x[c]) & 0x7fffffffu;
    if (bits > largest) largest = bits;
  }
  if (largest >= 0x7f800000u) return {std::nanf(""), 0};
  const float magnitude = std::bit_cast<float>(largest);
  if (magnitude < 0x1p-100f) return {0, 0};
  return {magnitude / 127.0f, 127.0f / magnitude};
}

// Calls put(padded column, column) for every column of a row; filled-up columns are left out.
template <class Put>
void for_columns(const PreparedRows& p, std::int64_t group, Put put) {
  const std::int64_t begin = group * p.group;
  const std::int64_t end = begin + p.group < p.k ? begin + p.group : p.k;
  for (std::int64_t c = begin; c < end; ++c) put(group * p.padded_group + c - begin, c);
}

void prepare_row(const PreparedRows& p, const float* x, std::int64_t row, std::uint32_t* words,
                 std::int32_t* sums, std::int64_t rows) {
  const RowScale scale = p.arithmetic == Arithmetic::kInt8 ? row_scale(x, p.k) : RowScale{};
  if (p.arithmetic == Arithmetic::kInt8) p.scales[row] = scale.scale;
  for (std::int64_t g = 0; g < p.groups; ++g) {
    std::int32_t sum = 0;
    for_columns(p, g, [&](std::int64_t padded, std::int64_t c) {
      std::uint32_t& word = words[padded / p.columns_per_word * rows];
      if (p.arithmetic == Arithmetic::kF32) {
        word = std::bit_cast<std::uint32_t>(x[c]);
      } else if (p.arithmetic == Arithmetic::kBF16) {
        word |= static_cast<std::uint32_t>(f32_to_bf16(x[c])) << (padded % 2 * 16);
      } else {
        const int code = scale.inverse == 0 ? 0 : static_cast<int>(std::lrint(x[c] * scale.inverse));
        sum += code;
        word |= (static_cast<std::uint32_t>(code) & 0xffu) << (padded % 4 * 8);
      }
    });
    if (p.arithmetic == Arithmetic::kInt8) sums[g * rows] = sum;
  }
}

void prepare(const PreparedRows& p, const float* x, std::int64_t ldx, Range tiles) noexcept {
  const std::int64_t steps = p.padded_k / p.columns_per_word;
  for (std::int64_t tile = tiles.begin; tile < tiles.end; ++tile) {
    const std::int64_t first = tile_row(p, tile), rows = tile_row(p, tile + 1) - first;
    std::uint32_t* words = p.words + first * steps;
    for (std::int64_t i = 0; i < steps * rows; ++i) words[i] = 0;
    for (std::int64_t r = 0; r < rows; ++r)
      prepare_row(p, x + (first + r) * ldx, first + r, words + r, row_sums(p, first, r), rows);
  }
}

// One panel of a weight.
struct Panel {
  const std::byte* codes;
  const PanelView& weight;
  std::int64_t index;

  int code(std::int64_t lane, std::int64_t column) const {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(codes);
    return weight.encoding.format == Format::kInt8 ? Int8Codes::get(bytes, lane, column)
                                                   : Int4Codes::get(bytes, lane, column);
  }
  std::int64_t group_index(std::int64_t lane, std::int64_t group) const {
    return (index * weight.geometry.groups + group) * kPanelRows + lane;
  }
  float scale(std::int64_t lane, std::int64_t group) const {
    const std::int64_t bytes = weight.geometry.scale_bytes;
    return load_float(bytes == 2 ? Format::kF16 : Format::kF32,
                      weight.scales + group_index(lane, group) * bytes);
  }
  int zero_point(std::int64_t lane, std::int64_t group) const {
    if (weight.zero_points != nullptr) return weight.zero_points[group_index(lane, group)];
    return weight.encoding.format == Format::kInt8 ? Int8Codes::kZeroPoint : Int4Codes::kZeroPoint;
  }
  const std::uint8_t* block(std::int64_t column, const BlockSize& size) const {
    return reinterpret_cast<const std::uint8_t*>(codes) + size.header + column / size.columns * size.bytes;
  }
  float value(std::int64_t lane, std::int64_t column) const {
    const Format format = weight.encoding.format;
    if (weight.encoding.has_blocks()) return block_value(lane, column);
    if (!weight.encoding.is_integer())
      return load_float(format, codes + float_panel_index(format, lane, column) * float_bytes(format));
    const std::int64_t group = column / weight.geometry.padded_group;
    return static_cast<float>(code(lane, column) - zero_point(lane, group)) * scale(lane, group);
  }
  float block_value(std::int64_t lane, std::int64_t column) const {
    return with_block_format(weight.encoding.format, [&](auto kind) {
      using Kind = decltype(kind);
      const std::uint8_t* at = block(column, block_size(weight.encoding.format));
      const std::int64_t c = column % Kind::kColumns;
      const BlockScale scale = Kind::scale(at, lane, c / Kind::kGroup);
      const float dmin = Kind::kHasOffsets ? block_dmin(at, lane) : 0;
      return block_scale(kind, reinterpret_cast<const std::uint8_t*>(codes), at, lane) *
                 static_cast<float>(scale.scale) *
                 static_cast<float>(Kind::code(at, lane, c) - Kind::kZeroPoint) -
             dmin * static_cast<float>(scale.offset);
    });
  }
};

// The element of a prepared row at a padded column.
float element(const PreparedRows& x, const std::uint32_t* words, std::int64_t rows, std::int64_t column) {
  const std::uint32_t word = words[column / x.columns_per_word * rows];
  return x.arithmetic == Arithmetic::kF32
             ? std::bit_cast<float>(word)
             : bf16_to_f32(static_cast<std::uint16_t>(word >> (column % 2 * 16)));
}

int activation_code(const std::uint32_t* words, std::int64_t rows, std::int64_t column) {
  return static_cast<std::int8_t>(words[column / 4 * rows] >> (column % 4 * 8));
}

float dot_float(const PreparedRows& x, const std::uint32_t* words, std::int64_t rows, const Panel& panel,
                std::int64_t lane) {
  float sum = 0;
  for (std::int64_t c = 0; c < x.padded_k; ++c) sum += element(x, words, rows, c) * panel.value(lane, c);
  return sum;
}

// sum over groups of scale * (sum of code * x_code - zero_point * sum of x_code); the sums are exact.
float dot_integer(const PreparedRows& x, const std::uint32_t* words, const std::int32_t* sums,
                  std::int64_t rows, const Panel& panel, std::int64_t lane) {
  float total = 0;
  for (std::int64_t g = 0; g < x.groups; ++g) {
    const std::int64_t begin = g * x.padded_group;
    const std::int64_t end = begin + x.padded_group < x.padded_k ? begin + x.padded_group : x.padded_k;
    std::int64_t sum = 0;
    for (std::int64_t c = begin; c < end; ++c) sum += panel.code(lane, c) * activation_code(words, rows, c);
    sum -= std::int64_t{panel.zero_point(lane, g)} * sums[g * rows];
    total += static_cast<float>(sum) * panel.scale(lane, g);
  }
  return total;
}

// sum over blocks of d * (sum over groups of scale * (sum of code * x_code - zero_point * sum of x_code))
// less dmin * (sum over groups of offset * sum of x_code); the inner sums are exact.
template <class Kind>
float dot_blocks(const PreparedRows& x, const std::uint32_t* words, const std::int32_t* sums,
                 std::int64_t rows, const Panel& panel, std::int64_t lane) {
  const auto* block = reinterpret_cast<const std::uint8_t*>(panel.codes);
  float total = 0;
  for (std::int64_t begin = 0; begin < x.k; begin += Kind::kColumns, block += Kind::kBytes) {
    std::int64_t products = 0, offsets = 0;
    for (std::int64_t c = 0; c < Kind::kColumns; c += Kind::kGroup) {
      std::int64_t sum = 0;
      for (std::int64_t i = c; i < c + Kind::kGroup; ++i)
        sum += Kind::code(block, lane, i) * activation_code(words, rows, begin + i);
      const std::int64_t x_sum = sums[(begin + c) / Kind::kGroup * rows];
      const BlockScale scale = Kind::scale(block, lane, c / Kind::kGroup);
      products += scale.scale * (sum - Kind::kZeroPoint * x_sum);
      offsets += scale.offset * x_sum;
    }
    total += static_cast<float>(products) * block_d(block, lane);
    if constexpr (Kind::kHasOffsets) total -= static_cast<float>(offsets) * block_dmin(block, lane);
  }
  return total;
}

// row scale * sum over groups of scale * (sum of code * x_code - zero_point * sum of x_code), which is exact.
float dot_row_blocks(const PreparedRows& x, const std::uint32_t* words, const std::int32_t* sums,
                     std::int64_t rows, const Panel& panel, std::int64_t lane) {
  const auto* first = reinterpret_cast<const std::uint8_t*>(panel.codes);
  const std::uint8_t* block = first + Q4RBlocks::kHeader;
  std::int64_t total = 0;
  for (std::int64_t c = 0; c < x.k; c += Q4RBlocks::kGroup) {
    std::int64_t sum = -Q4RBlocks::kZeroPoint * std::int64_t{sums[c / Q4RBlocks::kGroup * rows]};
    const std::int64_t group = c % Q4RBlocks::kColumns;
    for (std::int64_t i = 0; i < Q4RBlocks::kGroup; ++i)
      sum += Q4RBlocks::code(block, lane, group + i) * activation_code(words, rows, c + i);
    total += Q4RBlocks::scale(block, lane, group / Q4RBlocks::kGroup).scale * sum;
    if (group > 0) block += Q4RBlocks::kBytes;
  }
  return static_cast<float>(total) * q4_r_scale(first, lane);
}

float dot_codes(const PreparedRows& x, const std::uint32_t* words, const std::int32_t* sums,
                std::int64_t rows, const Panel& panel, std::int64_t lane) {
  if (!panel.weight.encoding.has_blocks()) return dot_integer(x, words, sums, rows, panel, lane);
  if (panel.weight.encoding.format == Format::kQ4R) return dot_row_blocks(x, words, sums, rows, panel, lane);
  return with_block_format(panel.weight.encoding.format, [&](auto kind) {
    return dot_blocks<decltype(kind)>(x, words, sums, rows, panel, lane);
  });
}

void multiply_tile(const PreparedRows& x, const LinearOutput& output, std::int64_t tile, const Panel& panel) {
  const std::int64_t first = tile_row(x, tile), rows = tile_row(x, tile + 1) - first;
  const std::uint32_t* words = x.words + first * (x.padded_k / x.columns_per_word);
  const std::int64_t n = panel.weight.geometry.n;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t lane = 0; lane < kPanelRows && panel.index * kPanelRows + lane < n; ++lane) {
      const std::int64_t channel = panel.index * kPanelRows + lane;
      const float dot = x.arithmetic == Arithmetic::kInt8
                            ? dot_codes(x, words + r, x.sums + first * x.groups + r, rows, panel, lane) *
                                  x.scales[first + r]
                            : dot_float(x, words + r, rows, panel, lane);
      const float sum = output.bias == nullptr ? dot : dot + output.bias[channel];
      output.y[(first + r) * output.ldy + channel] = scalar::activate(output.activation, sum);
    }
  }
}

void multiply(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels) noexcept {
  for (std::int64_t p = panels.begin; p < panels.end; ++p) {
    const Panel panel{output.weight.codes + p * output.weight.geometry.panel_code_bytes, output.weight, p};
    for (std::int64_t tile = tiles.begin; tile < tiles.end; ++tile) multiply_tile(x, output, tile, panel);
  }
}

}  // namespace

const LinearKernels& scalar_linear_kernels() {
  static constexpr LinearPath kF32{supports_decoded, tile_rows, prepare, multiply};
  static constexpr LinearPath kBF16{supports_bf16, tile_rows, prepare, multiply};
  static constexpr LinearPath kInt8{supports_integers, tile_rows, prepare, multiply};
  static constexpr LinearKernels kKernels{&kF32, &kBF16, &kInt8, &kInt8};
  return kKernels;
}

}  // namespace swiftlet::kernels
