#include "swiftlet/kernels/modelled_tables.h"

#include "swiftlet/core/cpu_info.h"
#include "swiftlet/kernels/amx/linear_bf16.h"
#include "swiftlet/kernels/amx/linear_int8.h"
#include "swiftlet/kernels/amx/linear_row_blocks.h"
#include "swiftlet/kernels/amx/tile_model.h"
#include "swiftlet/kernels/avx2/avx2.h"
#include "swiftlet/kernels/avxvnni/avxvnni.h"
#include "swiftlet/kernels/linear_kernels.h"
#include "swiftlet/kernels/scalar/math.h"

namespace swiftlet::kernels {
namespace {

// The instruction of AVX-VNNI in the encoding of AVX-512.
ModelledTable avxvnni_over_evex() {
  const std::string_view missing = missing_for("avx512");
  if (!missing.empty()) return {.name = "avxvnni_evex", .missing = missing};
  static const LinearKernels linear{.int8 = &avxvnni_linear_int8_evex(),
                                    .blocks = &avxvnni_linear_blocks_evex()};
  static const KernelTable table{.isa = "avxvnni_evex", .linear = &linear};
  return {.name = table.isa, .table = &table};
}

// AMX over tile registers in plain code.
struct ModelBody {
  using Tiles = amx::TileModel;
  static void fma(amx::Floats& sum, const amx::Floats& a, const amx::Floats& b) {
    for (int i = 0; i < amx::kLaneCount; ++i) sum[i] = __builtin_fmaf(a[i], b[i], sum[i]);
  }
  static void activate(Activation activation, float* y, std::int64_t ldy, int rows, std::int64_t columns) {
    for (int r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; ++c)
        y[r * ldy + c] = scalar::activate(activation, y[r * ldy + c]);
  }
};

ModelledTable amx_over_a_model() {
  static constexpr LinearPath kBF16{
      amx::supports_bf16, amx::tile_rows, amx::prepare_bf16, amx::multiply_bf16<ModelBody>, nullptr,
      amx::kSliceWords};
  static constexpr LinearPath kInt8{amx::supports_int8, amx::tile_rows, amx::prepare_int8,
                                    amx::multiply_int8_tiles<ModelBody>, amx::scratch_int8};
  static constexpr LinearPath kRowBlocks{amx::supports_row_blocks, amx::tile_rows, amx::prepare_row_blocks,
                                         amx::multiply_row_blocks<ModelBody>, amx::scratch_row_blocks};
  static const LinearKernels linear{.bf16 = &kBF16, .int8 = &kInt8, .row_blocks = &kRowBlocks};
  static KernelTable table{.isa = "amx_model", .linear = &linear};
  if (missing_for("avx2").empty()) {
    table.attention = avx2_attention_kernels();
    table.attention.attend_chunk_bf16 = avx2_attend_chunk_over_tile_model();
  }
  return {.name = table.isa, .table = &table};
}

}  // namespace

std::vector<ModelledTable> modelled_tables() {
  return {avxvnni_over_evex(), amx_over_a_model()};
}

}  // namespace swiftlet::kernels
