// Attention with AVX-512; the algorithm is in generic/attention_f32.h.
#include "swiftlet/kernels/avx512/avx512.h"
#include "swiftlet/kernels/avx512/vec.h"
#include "swiftlet/kernels/generic/attention_f32.h"
#include "swiftlet/kernels/generic/attention_merge.h"

namespace swiftlet::kernels {

AttentionKernels avx512_attention_kernels() {
  return {attend_chunk, merge, finish, nullptr};
}

}  // namespace swiftlet::kernels
