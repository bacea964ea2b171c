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

}  // namespace
}  // namespace swiftlet::kernels
