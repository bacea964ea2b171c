// Matrix products in int8 with the VEX encoding of VPDPBUSD (AVX-VNNI).
#include "swiftlet/kernels/avxvnni/linear_int8.h"

#include "swiftlet/kernels/avxvnni/avxvnni.h"

namespace swiftlet::kernels {
namespace {

struct VexInstruction {
  [[gnu::always_inline]] static inline void dot(__m256i& acc, __m256i w, __m256i x) {
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(acc) : "x"(w), "x"(x));
  }
};

}  // namespace

const LinearPath& avxvnni_linear_int8() {
  return avxvnni::kPath<VexInstruction>;
}

}  // namespace swiftlet::kernels
