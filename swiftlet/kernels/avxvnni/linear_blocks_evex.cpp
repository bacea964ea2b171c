// Products with block formats with the EVEX encoding of VPDPBUSD, for tests.
#include "swiftlet/kernels/avxvnni/avxvnni.h"
#include "swiftlet/kernels/avxvnni/linear_blocks.h"

namespace swiftlet::kernels {
namespace {

struct EvexInstruction {
  template <class I, class U>
  [[gnu::always_inline]] static inline void dot(I& sums, U codes, __m256i x) {
    __asm__("%{evex%} vpdpbusd %2, %1, %0" : "+x"(sums) : "x"(codes), "x"(x));
  }
};

}  // namespace

const LinearPath& avxvnni_linear_blocks_evex() {
  static const LinearPath kPath{has_blocks, avxvnni::block_rows, avxvnni_linear_int8_evex().prepare,
                                avxvnni::multiply_blocks<EvexInstruction>};
  return kPath;
}

}  // namespace swiftlet::kernels
