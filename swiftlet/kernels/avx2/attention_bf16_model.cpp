// Attention with products in bf16 over a model of the tile registers: for tests on processors without AMX
// (modelled_tables.cpp).
#include "swiftlet/kernels/amx/tile_model.h"
#include "swiftlet/kernels/avx2/avx2.h"
#include "swiftlet/kernels/avx2/vec_bf16.h"
#include "swiftlet/kernels/generic/attention_tiles.h"

namespace swiftlet::kernels {

AttendChunk* avx2_attend_chunk_over_tile_model() {
  return attend_chunk_bf16<amx::AttentionTiles<amx::TileModel>>;
}

}  // namespace swiftlet::kernels
