// Attention with AVX2; the algorithm is in generic/attention_vector.h.
#include "swiftlet/kernels/avx2/avx2.h"
#include "swiftlet/kernels/avx2/vec.h"
#include "swiftlet/kernels/generic/attention_parts.h"
#include "swiftlet/kernels/generic/attention_vector.h"

namespace swiftlet::kernels {

AttentionKernels avx2_attention_kernels() {
  return vector_attention_kernels();
}

}  // namespace swiftlet::kernels
