// Matrix products in int8 over tile registers. Few rows, which wait for memory, are left to VNNI: sums of
// integers are exact and what follows them is the same, so the bits are.
#include "swiftlet/kernels/amx/linear_int8.h"

#include "swiftlet/kernels/amx/amx.h"
#include "swiftlet/kernels/amx/processor.h"
#include "swiftlet/kernels/avx512/avx512.h"

namespace swiftlet::kernels {
namespace {

int tile_rows(bool grouped, std::int64_t m) noexcept {
  return m <= amx::kVnniRows ? avx512_linear_int8().tile_rows(grouped, m) : amx::kTileRows;
}

void prepare(const PreparedRows& p, const float* x, std::int64_t ldx, Range tiles) noexcept {
  (p.m <= amx::kVnniRows ? avx512_linear_int8().prepare : amx::prepare_int8)(p, x, ldx, tiles);
}

void multiply(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels) noexcept {
  (x.m <= amx::kVnniRows ? avx512_linear_int8().multiply
                         : amx::multiply_int8_tiles<amx::Processor>)(x, output, tiles, panels);
}

}  // namespace

const LinearPath& amx_linear_int8() {
  static constexpr LinearPath kPath{amx::supports_int8, tile_rows, prepare, multiply, amx::scratch_int8};
  return kPath;
}

}  // namespace swiftlet::kernels
