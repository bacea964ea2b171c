// Products in int8 with block formats: see generic/block_products.h. Their codes are at most 63, so that the
// pairs of VPMADDUBSW do not saturate: 63 * 127 * 2 = 16002.
#include "swiftlet/kernels/avx2/avx2.h"
#include "swiftlet/kernels/avx2/blocks.h"

namespace swiftlet::kernels {
namespace {
namespace avx2 {

int tile_rows(bool, std::int64_t) noexcept {
  return BlockLanes::kMostRows;
}

constexpr Constant kOnes = constant_of([](int i) { return i % 2 == 0; });

struct Lanes : BlockLanes {
  [[gnu::always_inline]] static inline const std::uint32_t* word(const std::uint32_t* x) { return x; }
  // One statement, so that no compiler keeps words of x beside the accumulators: the registers are few.
  [[gnu::always_inline]] static inline void add(I& sums, U codes, const std::uint32_t* x) {
    __m256i products;
    __asm__("vpbroadcastd %3, %1\n\tvpmaddubsw %1, %2, %1\n\tvpmaddwd %4, %1, %1\n\tvpaddd %1, %0, %0"
            : "+x"(sums), "=&x"(products)
            : "x"(codes), "m"(*x), "m"(kOnes));
  }
};

void multiply(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels) noexcept {
  multiply_int8<BlockTiles<Lanes>>(x, output, tiles, panels);
}

}  // namespace avx2
}  // namespace

const LinearPath& avx2_linear_blocks() {
  static const LinearPath kPath{has_blocks, avx2::tile_rows, avx2_linear_int8().prepare, avx2::multiply};
  return kPath;
}

}  // namespace swiftlet::kernels
