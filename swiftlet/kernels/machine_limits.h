// What this machine can do at most: the yardstick of every benchmark, measured in the same run as what it
// judges.
#pragma once

#include "swiftlet/core/thread_pool.h"

namespace swiftlet::kernels {

// Per second, all threads together. An operation is a multiplication or an addition. 0: no such instruction.
struct MachineLimits {
  int threads = 0;
  double read_bytes = 0;  // of a working set that is read over and over
  double f32_ops = 0;     // fused multiply-adds
  double bf16_ops = 0;    // dot products of bf16 pairs
  double int8_ops = 0;    // dot products of unsigned with signed bytes
};

// AMX counts as the instruction of bf16 and int8 where the processor has it and the operating system permits
// it. Runs the best instructions that this processor has in hand-scheduled loops over registers, and several
// patterns of reading, on all members of the pool; the best of repeated short runs counts, so other load
// disturbs little.
//
// working_set: bytes that are read over and over, such as the weights of a model in decoding. The rate is
// that of the fastest whole pass over so many, so what the caches of this machine keep from one pass to the
// next counts for the limit as it does for the model: some processors have a last-level cache of hundreds of
// megabytes. 0 asks for the memory behind the caches: a multiple of the last-level cache.
//
// Takes one to three seconds and, while it runs, the memory of the working set (at most an eighth of what is
// available, and no more than lies behind the caches). Throws kMemory when it cannot be had.
MachineLimits measure_machine(ThreadPool& pool, std::uint64_t working_set = 0);
// Parts of it, for benchmarks that need one figure.
double measure_read_bytes(ThreadPool& pool, std::uint64_t working_set = 0);
double measure_f32_ops(ThreadPool& pool);
double measure_bf16_ops(ThreadPool& pool);
double measure_int8_ops(ThreadPool& pool);

}  // namespace swiftlet::kernels
