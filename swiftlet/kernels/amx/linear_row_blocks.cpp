// Matrix products in int8 with q4_r over tile registers.
#include "swiftlet/kernels/amx/linear_row_blocks.h"

#include "swiftlet/kernels/amx/amx.h"
#include "swiftlet/kernels/amx/many_rows.h"
#include "swiftlet/kernels/amx/processor.h"
#include "swiftlet/kernels/avx512/avx512.h"

namespace swiftlet::kernels {

const LinearPath& amx_linear_row_blocks() {
  using Path =
      amx::ManyRows<avx512_linear_blocks, amx::prepare_row_blocks, amx::multiply_row_blocks<amx::Processor>>;
  static constexpr LinearPath kPath{amx::supports_row_blocks, Path::tile_rows, Path::prepare, Path::multiply,
                                    amx::scratch_row_blocks};
  return kPath;
}

}  // namespace swiftlet::kernels
