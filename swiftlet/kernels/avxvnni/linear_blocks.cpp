// Products with block formats with the VEX encoding of VPDPBUSD (AVX-VNNI).
#include "swiftlet/kernels/avxvnni/linear_blocks.h"

#include "swiftlet/kernels/avxvnni/avxvnni.h"

namespace swiftlet::kernels {
namespace {

struct VexInstruction {
  template <class I, class U>
  [[gnu::always_inline]] static inline void dot(I& sums, U codes, __m256i x) {
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sums) : "x"(codes), "x"(x));
  }
};

}  // namespace

const LinearPath& avxvnni_linear_blocks() {
  static const LinearPath kPath{has_blocks, avxvnni::block_rows, avxvnni_linear_int8().prepare,
                                avxvnni::multiply_blocks<VexInstruction>};
  return kPath;
}

}  // namespace swiftlet::kernels
