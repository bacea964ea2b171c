// Products in int8 with block formats, eight lanes and VPDPBUSD: see generic/block_products.h. Included by
// one file per encoding of the instruction, as linear_int8.h is.
#pragma once

#include "swiftlet/kernels/avx2/blocks.h"

namespace swiftlet::kernels {
namespace {
namespace avxvnni {

inline int block_rows(bool, std::int64_t) noexcept {
  return avx2::BlockLanes::kMostRows;
}

template <class Instruction>
struct BlockLanes : avx2::BlockLanes {
  [[gnu::always_inline]] static inline __m256i word(const std::uint32_t* x) {
    return _mm256_set1_epi32(static_cast<int>(*x));
  }
  [[gnu::always_inline]] static inline void add(I& sums, U codes, __m256i x) {
    Instruction::dot(sums, codes, x);
  }
};

template <class Instruction>
void multiply_blocks(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels) noexcept {
  multiply_int8<BlockTiles<BlockLanes<Instruction>>>(x, output, tiles, panels);
}

}  // namespace avxvnni
}  // namespace
}  // namespace swiftlet::kernels
