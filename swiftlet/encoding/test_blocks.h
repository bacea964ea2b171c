// Weights of block formats with random bits. For tests and benchmarks.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "swiftlet/core/rng.h"
#include "swiftlet/encoding/block_formats.h"
#include "swiftlet/encoding/ggml_blocks.h"
#include "swiftlet/encoding/weight.h"

namespace swiftlet::test {

// The block type of GGUF with the bits of a format: "Q4_K" of "q4_k".
inline const GgmlType& ggml_type_of(Format format) {
  for (const GgmlType& type : ggml_types())
    if (type.format == format) return type;
  std::abort();
}

// One block of one row: every bit random but those of d and dmin, which lie within +-[2^-14, 2^-12).
inline std::vector<std::byte> random_block(const GgmlType& type, std::uint64_t seed, std::uint64_t number) {
  std::vector<std::byte> block(static_cast<std::size_t>(type.bytes));
  for (std::size_t i = 0; i < block.size(); i += 16) {
    const auto bits = philox({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(number),
                              static_cast<std::uint32_t>(number >> 32), 1},
                             {static_cast<std::uint32_t>(seed), 7});
    std::memcpy(block.data() + i, bits.data(), std::min<std::size_t>(16, block.size() - i));
  }
  const auto tame = [&](std::size_t high_byte) {
    const std::byte kept = block[high_byte] & std::byte{0x83};
    block[high_byte] = kept | (number % 3 == 0 ? std::byte{0x04} : std::byte{0x08});
  };
  if (type.format == Format::kQ6K) {
    tame(209);
    return block;
  }
  tame(1);
  if (type.format != Format::kQ50) tame(3);
  return block;
}

// Of q4_r, which no GGUF file has: numbers that were rounded to it.
inline Weight random_q4_r(std::int64_t n, std::int64_t k, std::uint64_t seed) {
  std::vector<float> values(static_cast<std::size_t>(n * k));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(uniform(seed, 0, i) - 0.5);
  return encode(weight_from_tensor("w", Tensor::from(values, Shape{n, k})), {.format = Format::kQ4R});
}

inline Weight random_blocks(Format format, std::int64_t n, std::int64_t k, std::uint64_t seed) {
  if (format == Format::kQ4R) return random_q4_r(n, k, seed);
  const GgmlType& type = ggml_type_of(format);
  const BlockSize size = block_size(format);
  Weight weight;
  weight.name = "w";
  weight.shape = Shape{n, k};
  weight.encoding = {.format = format};
  weight.layout = Layout::kPanels;
  weight.arithmetic = Arithmetic::kInt8;
  const PanelGeometry g = panel_geometry(weight.encoding, n, k);
  weight.codes = Buffer::heap(static_cast<std::size_t>(g.code_bytes()));
  auto* codes = reinterpret_cast<std::uint8_t*>(weight.codes.mutable_data());
  const std::int64_t blocks = k / size.columns;
  for (std::int64_t row = 0; row < n; ++row)
    for (std::int64_t b = 0; b < blocks; ++b)
      put_block(format, random_block(type, seed, static_cast<std::uint64_t>(row * blocks + b)).data(),
                codes + row / kPanelRows * g.panel_code_bytes + b * size.bytes, row % kPanelRows);
  return weight;
}

}  // namespace swiftlet::test
