// What follows the products: activations over a finished block of y.
#pragma once

#include "swiftlet/kernels/avx512/math.h"

namespace swiftlet::kernels {
namespace {
namespace avx512 {

// y [rows, columns] of row stride ldy, in place.
[[gnu::noinline]] inline void activate_block(Activation activation, float* y, std::int64_t ldy, int rows,
                                             std::int64_t columns) {
  if (activation == Activation::kNone) return;
  visit(activation, [&](auto f) {
    for (int r = 0; r < rows; ++r) map_row(y + r * ldy, y + r * ldy, columns, f);
  });
}

}  // namespace avx512
}  // namespace
}  // namespace swiftlet::kernels
