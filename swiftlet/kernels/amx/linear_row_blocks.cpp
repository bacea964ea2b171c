// Matrix products in int8 with q4_r over tile registers; few rows are left to VNNI, as in linear_int8.cpp.
#include "swiftlet/kernels/amx/linear_row_blocks.h"

#include "swiftlet/kernels/amx/amx.h"
#include "swiftlet/kernels/amx/processor.h"
#include "swiftlet/kernels/avx512/avx512.h"

namespace swiftlet::kernels {
namespace {

int tile_rows(bool grouped, std::int64_t m) noexcept {
  return m <= amx::kVnniRows ? avx512_linear_blocks().tile_rows(grouped, m) : amx::kTileRows;
}

void prepare(const PreparedRows& p, const float* x, std::int64_t ldx, Range tiles) noexcept {
  (p.m <= amx::kVnniRows ? avx512_linear_blocks().prepare : amx::prepare_row_blocks)(p, x, ldx, tiles);
}

void multiply(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels) noexcept {
  (x.m <= amx::kVnniRows ? avx512_linear_blocks().multiply
                         : amx::multiply_row_blocks<amx::Processor>)(x, output, tiles, panels);
}

}  // namespace

const LinearPath& amx_linear_row_blocks() {
  static constexpr LinearPath kPath{amx::supports_row_blocks, tile_rows, prepare, multiply,
                                    amx::scratch_row_blocks};
  return kPath;
}

}  // namespace swiftlet::kernels
