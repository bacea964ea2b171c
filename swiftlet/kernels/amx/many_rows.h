// Paths in int8 that leave few rows, which wait for memory, to VNNI: sums of integers are exact and what
// follows them is the same, so the bits are.
#pragma once

#include "swiftlet/kernels/amx/linear_tiles.h"

namespace swiftlet::kernels {
namespace {
namespace amx {

// A path over tiles beside that of VNNI.
template <auto kVnni, auto kPrepare, auto kMultiply>
struct ManyRows {
  static int tile_rows(bool grouped, std::int64_t m) noexcept {
    return m <= kVnniRows ? kVnni().tile_rows(grouped, m) : kTileRows;
  }
  static void prepare(const PreparedRows& p, const float* x, std::int64_t ldx, Range tiles) noexcept {
    (p.m <= kVnniRows ? kVnni().prepare : kPrepare)(p, x, ldx, tiles);
  }
  static void multiply(const PreparedRows& x, const LinearOutput& output, Range tiles,
                       Range panels) noexcept {
    (x.m <= kVnniRows ? kVnni().multiply : kMultiply)(x, output, tiles, panels);
  }
};

}  // namespace amx
}  // namespace
}  // namespace swiftlet::kernels
