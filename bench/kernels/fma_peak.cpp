#include "bench/kernels/fma_peak.h"

#include <immintrin.h>

#include <algorithm>
#include <chrono>

namespace swiftlet::bench {
namespace {

constexpr int kChains = 12;  // independent accumulators: more than latency times throughput of any core
constexpr long kSteps = 200000;

// The loops are written out in assembly, since a compiler may fold or reorder a loop without effect.
__attribute__((target("avx512f"))) void loop_avx512() {
  __m512 sum[kChains];
  for (__m512& s : sum) s = _mm512_setzero_ps();
  const __m512 x = _mm512_set1_ps(0.5f);
  for (long i = 0; i < kSteps; ++i)
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) __asm__ volatile("vfmadd231ps %1, %1, %0" : "+v"(sum[c]) : "v"(x));
}

__attribute__((target("avx2,fma"))) void loop_avx2() {
  __m256 sum[kChains];
  for (__m256& s : sum) s = _mm256_setzero_ps();
  const __m256 x = _mm256_set1_ps(0.5f);
  for (long i = 0; i < kSteps; ++i)
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) __asm__ volatile("vfmadd231ps %1, %1, %0" : "+x"(sum[c]) : "x"(x));
}

void loop_sse() {
  __m128 sum[kChains];
  for (__m128& s : sum) s = _mm_setzero_ps();
  const __m128 x = _mm_set1_ps(0.5f);
  for (long i = 0; i < kSteps; ++i)
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c)
      __asm__ volatile("mulps %1, %0\n\taddps %1, %0" : "+x"(sum[c]) : "x"(x));
}

}  // namespace

double measured_fma_peak(std::string_view isa) {
  const int lanes = isa == "avx512" ? 16 : isa == "avx2" ? 8 : 4;
  const auto loop = isa == "avx512" ? loop_avx512 : isa == "avx2" ? loop_avx2 : loop_sse;
  double best = 0;
  for (int run = 0; run < 20; ++run) {
    const auto start = std::chrono::steady_clock::now();
    loop();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    best = std::max(best, 2.0 * lanes * kChains * kSteps / elapsed.count());
  }
  return best;
}

}  // namespace swiftlet::bench
