// What the benchmarks of matrix products share: reproducible values, a clock, the machine's peaks.
#pragma once

#include <benchmark/benchmark.h>
#include <time.h>

#include <vector>

#include "swiftlet/core/rng.h"
#include "swiftlet/core/thread_pool.h"
#include "swiftlet/encoding/test_blocks.h"
#include "swiftlet/encoding/weight.h"
#include "swiftlet/kernels/machine_limits.h"

namespace swiftlet::bench {

inline std::vector<float> random_values(std::int64_t count, std::uint64_t seed) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(2 * uniform(seed, 0, i) - 1);
  return values;
}

inline Weight random_weight(const char* encoding, std::int64_t n, std::int64_t k, std::uint64_t seed) {
  const Encoding wanted = *parse_encoding(encoding);
  if (wanted.has_blocks()) return test::random_blocks(wanted.format, n, k, seed);
  return encode(weight_from_tensor("w", Tensor::from(random_values(n * k, seed), {n, k})), wanted);
}

// Operations per second.
inline double peak_of(Arithmetic arithmetic, ThreadPool& pool) {
  return arithmetic == Arithmetic::kF32    ? kernels::measure_f32_ops(pool)
         : arithmetic == Arithmetic::kBF16 ? kernels::measure_bf16_ops(pool)
                                           : kernels::measure_int8_ops(pool);
}

constexpr std::int64_t kMemoryBound = 32;  // rows up to which memory is the limit

// What a product of `rows` rows is held against: bytes or operations per second.
inline double limit_of(std::int64_t rows, Arithmetic arithmetic, ThreadPool& pool) {
  return rows <= kMemoryBound ? kernels::measure_read_bytes(pool) : peak_of(arithmetic, pool);
}

inline void report(benchmark::State& state, std::int64_t rows, double ops, double bytes, double seconds,
                   double limit) {
  state.counters["best_us"] = seconds * 1e6;
  state.counters["Gop/s"] = ops / seconds * 1e-9;
  state.counters["GB/s"] = bytes / seconds * 1e-9;
  state.counters["%peak"] = limit == 0 ? 0 : 100 * (rows <= kMemoryBound ? bytes : ops) / seconds / limit;
}

// Wall clock, or for one thread its processor time.
inline double seconds_now(int threads) {
  timespec time{};
  ::clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace swiftlet::bench
