// Attention with AVX-512; the algorithm is in generic/attention_vector.h.
#include "swiftlet/kernels/avx512/avx512.h"
#include "swiftlet/kernels/avx512/vec.h"
#include "swiftlet/kernels/generic/attention_parts.h"
#include "swiftlet/kernels/generic/attention_vector.h"

namespace swiftlet::kernels {

AttentionKernels avx512_attention_kernels() {
  return vector_attention_kernels();
}

}  // namespace swiftlet::kernels
