#include "swiftlet/encoding/block_formats.h"

#include <gtest/gtest.h>

#include <cmath>

#include "swiftlet/core/error.h"
#include "swiftlet/encoding/test_blocks.h"

namespace swiftlet {
namespace {

constexpr Format kFormats[] = {Format::kQ4K, Format::kQ5K, Format::kQ6K, Format::kQ50};

// Eighteen rows, so that the last panel is filled up.
TEST(BlockFormats, KeepEveryBitAndTheValuesOfTheirType) {
  for (const Format format : kFormats) {
    const GgmlType& type = test::ggml_type_of(format);
    SCOPED_TRACE(type.name);
    const BlockSize size = block_size(format);
    const std::int64_t n = 18, blocks = 3, k = blocks * size.columns;
    const Weight weight = test::random_blocks(format, n, k, 5);
    check_weight(weight);
    EXPECT_EQ(size.bytes, type.bytes * kPanelRows);
    EXPECT_EQ(size.columns, type.block);
    EXPECT_EQ(weight.bytes(), 2 * blocks * size.bytes);
    const std::vector<float> values = decode(weight);
    const auto* codes = reinterpret_cast<const std::uint8_t*>(weight.codes.data());
    for (std::int64_t row = 0; row < n; ++row)
      for (std::int64_t b = 0; b < blocks; ++b) {
        const auto block = test::random_block(type, 5, static_cast<std::uint64_t>(row * blocks + b));
        std::vector<std::byte> taken(block.size());
        take_block(format, codes + (row / kPanelRows * blocks + b) * size.bytes, row % kPanelRows,
                   taken.data());
        ASSERT_EQ(taken, block) << "row " << row << " block " << b;
        std::vector<float> expected(static_cast<std::size_t>(size.columns));
        type.decode(block.data(), expected.data());
        for (std::int64_t c = 0; c < size.columns; ++c)
          ASSERT_EQ(values[static_cast<std::size_t>(row * k + b * size.columns + c)],
                    expected[static_cast<std::size_t>(c)])
              << "row " << row << " block " << b << " column " << c;
      }
  }
}

// The first column of the last row of a panel, by hand: where the headers draw it.
TEST(BlockFormats, LieAsTheirHeadersDraw) {
  for (const Format format : kFormats) {
    SCOPED_TRACE(to_string({.format = format}));
    const BlockSize size = block_size(format);
    std::vector<std::uint8_t> block(static_cast<std::size_t>(size.bytes));
    const std::int64_t lane = 15, d = lane * 2;
    block[d + 1] = 0x3c;  // d = 1
    if (format == Format::kQ4K) {
      block[64 + lane * 4] = 3;      // scale of group 0
      block[256 + lane * 4] = 0x57;  // column 4, column 0
    } else if (format == Format::kQ5K) {
      block[64 + lane * 4] = 3;
      block[256 + lane * 4] = 1;  // fifth bit of column 0
      block[320 + lane * 4] = 0x57;
    } else if (format == Format::kQ6K) {
      block[32 + lane] = 0xff;    // scale -1
      block[288 + lane * 4] = 2;  // bits 4, 5 of column 0
      block[352 + lane * 4] = 0x57;
    } else {
      block[32 + lane * 4] = 1;
      block[96 + lane * 4] = 0x57;
    }
    std::vector<float> row(static_cast<std::size_t>(size.columns));
    decode_block_row(format, block.data(), lane, size.columns, row.data());
    const float first = format == Format::kQ4K ? 21 : format == Format::kQ5K ? 69 : 7;
    const float fifth = format == Format::kQ4K || format == Format::kQ5K ? 15
                        : format == Format::kQ6K                         ? 27
                                                                         : -11;
    EXPECT_EQ(row[0], format == Format::kQ6K ? -7 : first);
    EXPECT_EQ(row[4], fifth);
  }
}

// One row of a panel by hand: row scale 0.5, scales 3 and -2.
TEST(BlockFormats, Q4RLiesAsItsHeaderDraws) {
  const PanelGeometry g = panel_geometry({.format = Format::kQ4R}, 16, 64);
  EXPECT_EQ(g.panel_code_bytes, 640);
  EXPECT_EQ(g.groups, 4);
  std::vector<std::uint8_t> panel(static_cast<std::size_t>(g.panel_code_bytes));
  const std::int64_t lane = 15;
  panel[lane * 4 + 3] = 0x3f;                      // 0.5f
  std::uint8_t* second = panel.data() + 64 + 288;  // the block of columns 32..63
  second[lane] = 3;
  second[16 + lane] = 0xfe;
  second[32 + lane * 4] = 0xf1;            // columns 36, 32
  second[32 + 2 * 64 + lane * 4 + 1] = 9;  // columns 53 (0), 49
  std::vector<float> row(64);
  decode_block_row(Format::kQ4R, panel.data(), lane, 64, row.data());
  EXPECT_EQ(row[31], 0);
  EXPECT_EQ(row[32], 0.5f * 3 * -7);
  EXPECT_EQ(row[36], 0.5f * 3 * 7);
  EXPECT_EQ(row[49], 0.5f * -2 * 1);
  EXPECT_EQ(row[53], 0.5f * -2 * -8);
}

// Beside int4 in groups of 16, whose scales are not rounded to integers.
TEST(BlockFormats, Q4RRoundsAlmostAsWellAsFreeScales) {
  const std::int64_t n = 19, k = 320;
  std::vector<float> values(static_cast<std::size_t>(n * k));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double size = std::exp2(2.0 * uniform(3, 1, i / 16));  // groups differ by up to four times
    values[i] = static_cast<float>(size * (2 * uniform(3, 0, i) - 1));
  }
  std::fill(values.begin() + k, values.begin() + 2 * k, 0.0f);
  const Weight rows = weight_from_tensor("w", Tensor::from(values, Shape{n, k}));
  const auto error_of = [&](const Encoding& encoding) {
    const std::vector<float> decoded = decode(encode(rows, encoding));
    double total = 0;
    for (std::size_t i = 0; i < values.size(); ++i) total += std::pow(decoded[i] - values[i], 2);
    return total;
  };
  const double free_scales = error_of({.format = Format::kInt4, .group = 16}),
               ours = error_of({Format::kQ4R});
  EXPECT_GT(free_scales, 0);
  EXPECT_LE(ours, 1.02 * free_scales);
  const std::vector<float> decoded = decode(encode(rows, {Format::kQ4R}));
  for (std::int64_t c = 0; c < k; ++c) ASSERT_EQ(decoded[static_cast<std::size_t>(k + c)], 0);
}

TEST(BlockFormats, ScalesOfQ4RKeepSumsOfLongRowsIn31Bits) {
  EXPECT_EQ(Q4RBlocks::most_scale(32), 127);
  EXPECT_EQ(Q4RBlocks::most_scale(16'640), 127);
  EXPECT_EQ(Q4RBlocks::most_scale(65'536), 32);
  for (const std::int64_t k : {16'640, 28'672, 65'536})
    EXPECT_LT(std::int64_t{Q4RBlocks::most_scale(k)} * 8 * 127 * k, std::int64_t{1} << 31);
  const Weight rows =
      weight_from_tensor("w", Tensor::from(std::vector<float>(28'672, 1.0f), Shape{1, 28'672}));
  const std::vector<float> decoded = decode(encode(rows, {Format::kQ4R}));
  for (const float value : decoded) ASSERT_NEAR(value, 1.0f, 0.01f);
}

TEST(BlockFormats, SlicesShareTheirPanels) {
  for (const Format format : {Format::kQ6K, Format::kQ4R}) {
    const Weight weight = test::random_blocks(format, 50, 512, 1);
    const std::vector<float> whole = decode(weight), part = decode(slice_rows(weight, 16, 50));
    EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + 16 * 512));
  }
}

TEST(BlockFormats, AreNotMadeByRoundingAndWantWholeBlocks) {
  const Weight rows = weight_from_tensor(
      "w", Tensor::from(std::vector<float>(256), Shape{std::int64_t{1}, std::int64_t{256}}));
  EXPECT_THROW(encode(rows, {.format = Format::kQ4K}), Error);
  EXPECT_THROW(panel_geometry({.format = Format::kQ4K}, 16, 128), Error);
  EXPECT_THROW(panel_geometry({.format = Format::kQ50}, 16, 48), Error);
  EXPECT_THROW(panel_geometry({.format = Format::kQ6K, .group = 16}, 16, 256), Error);
  EXPECT_NO_THROW(panel_geometry({.format = Format::kQ50}, 16, 96));
  EXPECT_THROW(panel_geometry({.format = Format::kQ4R}, 16, 48), Error);
  EXPECT_THROW(panel_geometry({.format = Format::kQ4R}, 16, 65536 + 32), Error);
}

TEST(BlockFormats, ScalesThatAreNoNumbersAreSeen) {
  for (const Format format : kFormats) {
    std::vector<std::uint8_t> block(static_cast<std::size_t>(block_size(format).bytes));
    EXPECT_TRUE(block_is_finite(format, block.data(), 3));
    block[7] = 0x7c;  // d of row 3
    EXPECT_FALSE(block_is_finite(format, block.data(), 3));
    block[7] = 0;
    block[39] = 0x7e;  // dmin, where there is one
    EXPECT_EQ(block_is_finite(format, block.data(), 3), format == Format::kQ6K || format == Format::kQ50);
  }
}

}  // namespace
}  // namespace swiftlet
