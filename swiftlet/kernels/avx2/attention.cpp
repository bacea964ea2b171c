// Attention with AVX2; the algorithm is in generic/attention_f32.h.
#include "swiftlet/kernels/avx2/avx2.h"
#include "swiftlet/kernels/avx2/vec.h"
#include "swiftlet/kernels/generic/attention_f32.h"
#include "swiftlet/kernels/generic/attention_merge.h"

namespace swiftlet::kernels {

AttentionKernels avx2_attention_kernels() {
  return {attend_chunk, merge, finish, nullptr};
}

}  // namespace swiftlet::kernels
