// Matrix products in int8 over tile registers.
#include "swiftlet/kernels/amx/linear_int8.h"

#include "swiftlet/kernels/amx/amx.h"
#include "swiftlet/kernels/amx/many_rows.h"
#include "swiftlet/kernels/amx/processor.h"
#include "swiftlet/kernels/avx512/avx512.h"

namespace swiftlet::kernels {

const LinearPath& amx_linear_int8() {
  using Path = amx::ManyRows<avx512_linear_int8, amx::prepare_int8, amx::multiply_int8_tiles<amx::Processor>>;
  static constexpr LinearPath kPath{amx::supports_int8, Path::tile_rows, Path::prepare, Path::multiply,
                                    amx::scratch_int8};
  return kPath;
}

}  // namespace swiftlet::kernels
