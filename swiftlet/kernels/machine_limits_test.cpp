#include "swiftlet/kernels/machine_limits.h"

#include <gtest/gtest.h>

#include "swiftlet/core/cpu_info.h"

namespace swiftlet::kernels {
namespace {

// Bounds that any processor of the last fifteen years keeps, and none of the next ones will leave upwards.
TEST(MachineLimits, ArePlausible) {
  ThreadPool pool(1);
  const MachineLimits limits = measure_machine(pool);
  EXPECT_EQ(limits.threads, 1);
  EXPECT_GT(limits.read_bytes, 1e8);
  EXPECT_LT(limits.read_bytes, 1e12);
  EXPECT_GT(limits.f32_ops, 1e9);
  EXPECT_LT(limits.f32_ops, 1e13);
  EXPECT_EQ(limits.bf16_ops > 0, cpu_info().avx512_bf16 || (cpu_info().amx_bf16 && request_tile_registers()));
  EXPECT_EQ(limits.int8_ops > 0, cpu_info().avx2);
}

// A working set that fits into the first caches is read at least as fast as memory behind the last one: by
// far more where nothing else runs, so half of it leaves room for other load.
TEST(MachineLimits, ReadingCountsTheCachesForASmallWorkingSet) {
  ThreadPool pool(1);
  const double small = measure_read_bytes(pool, 256 << 10), large = measure_read_bytes(pool);
  EXPECT_GT(small, large / 2);
  EXPECT_LT(small, 1e12);
}

// Of less than a page for each thread as well.
TEST(MachineLimits, ReadsTheSmallestWorkingSet) {
  ThreadPool pool(2);
  EXPECT_GT(measure_read_bytes(pool, 1), 1e8);
}

}  // namespace
}  // namespace swiftlet::kernels
