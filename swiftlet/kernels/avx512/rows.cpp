// Row kernels with AVX-512; the algorithms are in generic/rows_vector.h and generic/rope_vector.h.
#include "swiftlet/kernels/avx512/avx512.h"
#include "swiftlet/kernels/avx512/vec.h"
#include "swiftlet/kernels/generic/rope_vector.h"
#include "swiftlet/kernels/generic/rows_vector.h"
#include "swiftlet/kernels/scalar/scalar.h"

namespace swiftlet::kernels {
namespace {

// Set once, with the table that holds `rope`.
void (*rope_definition)(const RopeArgs&) noexcept = nullptr;

void rope(const RopeArgs& args) noexcept {
  rope_rows(args, rope_definition);
}

}  // namespace

RowKernels avx512_row_kernels() {
  rope_definition = scalar_row_kernels().rope;
  return {layer_norm, rms_norm,  activate, gate,         add_rows,  mul_rows,   scale_rows, rope,
          softmax,    mean_rows, max_rows, l2_normalize, clip_rows, add_scaled, combine,    clamped_gate};
}

}  // namespace swiftlet::kernels
