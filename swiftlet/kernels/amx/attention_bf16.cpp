// Attention with products in bf16 over tile registers, for any number of rows: another instruction would add
// in another order.
#include "swiftlet/kernels/amx/amx.h"
#include "swiftlet/kernels/amx/tile_instructions.h"
#include "swiftlet/kernels/avx512/vec_bf16.h"
#include "swiftlet/kernels/generic/attention_tiles.h"

namespace swiftlet::kernels {

AttendChunk* amx_attend_chunk_bf16() {
  return attend_chunk_bf16<amx::AttentionTiles<amx::TileInstructions>>;
}

}  // namespace swiftlet::kernels
