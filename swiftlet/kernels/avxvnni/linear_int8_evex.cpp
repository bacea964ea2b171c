// The kernels of linear_int8.cpp with the EVEX encoding of VPDPBUSD, for tests.
#include "swiftlet/kernels/avxvnni/avxvnni.h"
#include "swiftlet/kernels/avxvnni/linear_int8.h"

namespace swiftlet::kernels {
namespace {

struct EvexInstruction {
  [[gnu::always_inline]] static inline void dot(__m256i& acc, __m256i w, __m256i x) {
    __asm__("%{evex%} vpdpbusd %2, %1, %0" : "+x"(acc) : "x"(w), "x"(x));
  }
};

}  // namespace

const LinearPath& avxvnni_linear_int8_evex() {
  return avxvnni::kPath<EvexInstruction>;
}

}  // namespace swiftlet::kernels
