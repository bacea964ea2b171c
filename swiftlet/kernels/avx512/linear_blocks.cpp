// Products in int8 with block formats over VNNI: see generic/block_products.h.
#include "swiftlet/kernels/avx512/avx512.h"
#include "swiftlet/kernels/avx512/blocks.h"

namespace swiftlet::kernels {
namespace {
namespace avx512 {

int tile_rows(bool, std::int64_t) noexcept {
  return BlockLanes::kMostRows;
}

void multiply(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels) noexcept {
  multiply_int8<BlockTiles<BlockLanes>>(x, output, tiles, panels);
}

}  // namespace avx512
}  // namespace

const LinearPath& avx512_linear_blocks() {
  static const LinearPath kPath{has_blocks, avx512::tile_rows, avx512_linear_int8().prepare,
                                avx512::multiply};
  return kPath;
}

}  // namespace swiftlet::kernels
