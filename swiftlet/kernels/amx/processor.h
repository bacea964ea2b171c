// The body of the tile products on a processor with AMX.
#pragma once

#include "swiftlet/kernels/amx/lanes.h"
#include "swiftlet/kernels/amx/tile_instructions.h"
#include "swiftlet/kernels/avx512/epilogue.h"

namespace swiftlet::kernels {
namespace {
namespace amx {

struct Processor {
  using Tiles = TileInstructions;
  [[gnu::always_inline]] static inline void fma(Floats& sum, const Floats& a, const Floats& b) {
    sum = _mm512_fmadd_ps(a, b, sum);
  }
  static constexpr auto activate = avx512::activate_block;
};

}  // namespace amx
}  // namespace
}  // namespace swiftlet::kernels
