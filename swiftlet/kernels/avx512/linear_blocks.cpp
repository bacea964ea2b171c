// Products in int8 with block formats over VNNI: see generic/block_products.h.
#include "swiftlet/kernels/avx512/avx512.h"
#include "swiftlet/kernels/avx512/blocks.h"

namespace swiftlet::kernels {
namespace {
namespace avx512 {

constexpr int kBlockRows = 8;  // 16 accumulators: of a group and of a block

int tile_rows(bool, std::int64_t) noexcept {
  return kBlockRows;
}

void multiply(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels) noexcept {
  multiply_int8<BlockTiles<BlockLanes, kBlockRows>>(x, output, tiles, panels);
}

}  // namespace avx512
}  // namespace

const LinearPath& avx512_linear_blocks() {
  static const LinearPath kPath{has_blocks, avx512::tile_rows, avx512_linear_int8().prepare,
                                avx512::multiply};
  return kPath;
}

}  // namespace swiftlet::kernels
