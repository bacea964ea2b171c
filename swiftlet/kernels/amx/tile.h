// Tile registers and how the matrix products use them. A tile has up to 16 rows of up to 64 bytes:
//
//   0..3   C: sums     [rows of x][16 channels]
//   4, 5   A: x        [rows of x][words]          a word holds four int8 or two bf16 columns
//   6, 7   B: weight   [words][16 channels]        the order of panels (encoding/panel.h)
//
// Two bodies bring the instructions: tile_instructions.h those of the processor, tile_model.h a model of them
// in plain code. Both have
//
//   configure(config)  release()  zero<c>()  load<t>(base, stride)  store<t>(base, stride)
//   load_passing<t>(base, stride)   a load that leaves the first-level cache to others  (TILELOADDT1)
//   dot_int8<c, a, b>()   C += A times B, bytes of A signed, of B unsigned         (TDPBSUD)
//   dot_signed<c, a, b>() the same, both signed                                    (TDPBSSD)
//   dot_bf16<c, a, b>()   C += A times B, pairs of bf16, sums in f32               (TDPBF16PS)
#pragma once

#include <cstdint>

namespace swiftlet::kernels {
namespace {
namespace amx {

constexpr int kTileRows = 16;
constexpr int kTileWords = 16;  // 32-bit words of a row

// What LDTILECFG reads: palette 1, the first row of an interrupted load, bytes of a row and rows of each
// tile.
struct TileConfig {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};
static_assert(sizeof(TileConfig) == 64);

// For tiles of x of `rows` rows and `words` words.
inline TileConfig config_of(std::int64_t rows, std::int64_t words) {
  TileConfig config;
  for (int tile = 0; tile < 8; ++tile) {
    config.rows[tile] = static_cast<std::uint8_t>(tile < 6 ? rows : words);
    config.row_bytes[tile] = static_cast<std::uint16_t>(tile == 4 || tile == 5 ? 4 * words : 64);
  }
  return config;
}

}  // namespace amx
}  // namespace
}  // namespace swiftlet::kernels
