// What this machine can do at most: the yardstick of every benchmark, measured in the same run as what it
// judges.
#pragma once

#include "swiftlet/core/thread_pool.h"

namespace swiftlet::kernels {

// Per second, all threads together. An operation is a multiplication or an addition. 0: no such instruction.
struct MachineLimits {
  int threads = 0;
  double read_bytes = 0;  // from memory beyond the caches
  double f32_ops = 0;     // fused multiply-adds
  double bf16_ops = 0;    // dot products of bf16 pairs
  double int8_ops = 0;    // dot products of unsigned with signed bytes
};

// AMX counts as the instruction of bf16 and int8 where the processor has it and the operating system permits
// it. Runs the best instructions that this processor has in hand-scheduled loops over registers, and several
// patterns of reading, on all members of the pool; the best of repeated short runs counts, so other load
// disturbs little. Takes about half a second and, while it runs, up to 256 MiB. Throws kMemory when these
// cannot be had.
MachineLimits measure_machine(ThreadPool& pool);
// Parts of it, for benchmarks that need one figure.
double measure_read_bytes(ThreadPool& pool);
double measure_f32_ops(ThreadPool& pool);
double measure_bf16_ops(ThreadPool& pool);
double measure_int8_ops(ThreadPool& pool);

}  // namespace swiftlet::kernels
