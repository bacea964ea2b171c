// The model of the tile registers against plain sums. (Against the processor: AmxModel in linear_test.cpp.)
#include "swiftlet/kernels/amx/tile_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "swiftlet/core/float_bits.h"

namespace swiftlet::kernels {
namespace {

using amx::config_of;
using amx::TileModel;

struct alignas(64) Block {
  std::uint8_t bytes[16][64] = {};

  template <class T>
  T at(int row, int column) const {
    T value;
    std::memcpy(&value, bytes[row] + static_cast<std::size_t>(column) * sizeof(T), sizeof(T));
    return value;
  }
  template <class T>
  void set(int row, int column, T value) {
    std::memcpy(bytes[row] + static_cast<std::size_t>(column) * sizeof(T), &value, sizeof(T));
  }
};

TEST(TileModel, MultipliesSignedRowsByUnsignedWeights) {
  constexpr int kRows = 5, kWords = 7;
  Block a, b, c;
  for (int r = 0; r < 16; ++r)
    for (int i = 0; i < 64; ++i) {
      a.bytes[r][i] = static_cast<std::uint8_t>(37 * r + 11 * i + 128);
      b.bytes[r][i] = static_cast<std::uint8_t>(59 * r + 101 * i);
    }
  c.set(3, 2, std::int32_t{1000});
  TileModel tiles;
  tiles.configure(config_of(kRows, kWords));
  tiles.load<0>(c.bytes, 64);
  tiles.load<4>(a.bytes, 64);
  tiles.load<6>(b.bytes, 64);
  tiles.dot_int8<0, 4, 6>();
  Block result;
  std::memset(result.bytes, 0x55, sizeof result.bytes);
  tiles.store<0>(result.bytes, 64);
  for (int m = 0; m < kRows; ++m)
    for (int n = 0; n < 16; ++n) {
      int sum = m == 3 && n == 2 ? 1000 : 0;
      for (int k = 0; k < 4 * kWords; ++k)
        sum += a.at<std::int8_t>(m, k) * b.at<std::uint8_t>(k / 4, 4 * n + k % 4);
      EXPECT_EQ(result.at<std::int32_t>(m, n), sum) << m << " " << n;
    }
  EXPECT_EQ(result.bytes[kRows][0], 0x55) << "rows beyond the configuration are not stored";
}

struct Pair {
  float even, odd;
};

// One sum of one row and one channel over the words of a tile.
float dot_bf16(const std::vector<Pair>& x, const std::vector<Pair>& w, float before) {
  Block a, b, c;
  for (std::size_t k = 0; k < x.size(); ++k) {
    a.set(0, static_cast<int>(2 * k), f32_to_bf16(x[k].even));
    a.set(0, static_cast<int>(2 * k + 1), f32_to_bf16(x[k].odd));
    b.set(static_cast<int>(k), 0, f32_to_bf16(w[k].even));
    b.set(static_cast<int>(k), 1, f32_to_bf16(w[k].odd));
  }
  c.set(0, 0, before);
  TileModel tiles;
  tiles.configure(config_of(1, static_cast<std::int64_t>(x.size())));
  tiles.load<3>(c.bytes, 64);
  tiles.load<5>(a.bytes, 64);
  tiles.load<7>(b.bytes, 64);
  tiles.dot_bf16<3, 5, 7>();
  tiles.store<3>(c.bytes, 64);
  return c.at<float>(0, 0);
}

TEST(TileModel, AddsEvenAndOddColumnsApartAndToTheSumLast) {
  EXPECT_EQ(dot_bf16({{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}, 100), 100 + 5 + 12 + 21 + 32);
  // 2^24 swallows a one that comes alone, not two that come together.
  EXPECT_EQ(dot_bf16({{1, 1}}, {{1, 1}}, 0x1p24f), 0x1p24f + 2);
  EXPECT_EQ(dot_bf16({{0x1p12f, 1}, {1, 0}}, {{0x1p12f, 0}, {1, 0}}, 0), 0x1p24f);
  // A product is not rounded before it is added: (1 + 2^-7)^2 - (1 + 2^-6) = 2^-14.
  EXPECT_EQ(dot_bf16({{1 + 0x1p-6f, 0}, {1 + 0x1p-7f, 0}}, {{-1, 0}, {1 + 0x1p-7f, 0}}, 0), 0x1p-14f);
}

TEST(TileModel, TakesDenormalsForZeros) {
  EXPECT_EQ(dot_bf16({{0x1p-130f, 0}}, {{0x1p100f, 0}}, 1), 1) << "of x";
  EXPECT_EQ(dot_bf16({{0x1p-70f, 0}}, {{0x1p-70f, 0}}, 0), 0) << "of a product";
  EXPECT_EQ(dot_bf16({{0, 0}}, {{0, 0}}, 0x1p-130f), 0) << "of the sum before";
  EXPECT_TRUE(std::isnan(dot_bf16({{std::nanf(""), 0}}, {{0, 0}}, 1)));
  EXPECT_EQ(dot_bf16({{std::numeric_limits<float>::infinity(), 0}}, {{1, 0}}, 1),
            std::numeric_limits<float>::infinity());
}

// What the processor answers with an exception.
TEST(TileModelDeathTest, TrapsWhereTheProcessorWould) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Block block;
  TileModel tiles;
  EXPECT_DEATH(tiles.zero<0>(), "") << "no configuration";
  EXPECT_DEATH(tiles.configure(config_of(17, 16)), "") << "rows";
  tiles.configure(config_of(4, 3));
  tiles.load<4>(block.bytes, 64);
  EXPECT_DEATH((tiles.dot_int8<0, 6, 4>()), "") << "tiles that do not fit";
  EXPECT_DEATH((tiles.dot_int8<4, 4, 6>()), "") << "the same tile twice";
  tiles.release();
  EXPECT_DEATH(tiles.load<4>(block.bytes, 64), "") << "released";
}

}  // namespace
}  // namespace swiftlet::kernels
