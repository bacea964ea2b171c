// Matrix products in bf16 over tile registers, for any number of rows: another instruction would add in
// another order, and what a row gives must not depend on its batch.
#include "swiftlet/kernels/amx/linear_bf16.h"

#include "swiftlet/kernels/amx/amx.h"
#include "swiftlet/kernels/amx/processor.h"

namespace swiftlet::kernels {

const LinearPath& amx_linear_bf16() {
  static constexpr LinearPath kPath{
      amx::supports_bf16, amx::tile_rows, amx::prepare_bf16, amx::multiply_bf16<amx::Processor>, nullptr,
      amx::kSliceWords};
  return kPath;
}

}  // namespace swiftlet::kernels
