// ProgramPlan: what a compiled program will take, kernel by kernel and in sum. What `inspect --graph` shows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "swiftlet/runtime/program.h"

namespace swiftlet {

struct ProgramPlan {
  struct Output {
    std::string name, type;  // "f32[tokens, 288]"
    // In the arena, at the largest step; 0 bytes for what lies elsewhere (a cache).
    std::int64_t offset = 0, bytes = 0;
  };
  struct KernelPlan {
    std::string name, op;
    Arithmetic arithmetic = Arithmetic::kF32;
    std::vector<Output> outputs;
    std::int64_t weight_bytes = 0;  // of all weights that it reads, in the form that it reads
    std::int64_t workspace_bytes = 0;
  };
  std::vector<KernelPlan> kernels;
  std::int64_t arena_bytes = 0;
  std::int64_t unshared_bytes = 0;  // what the values would take if none shared its place
  std::int64_t workspace_bytes = 0;
  std::int64_t weight_bytes = 0;  // every weight once in each form that is read
  std::int64_t pack_bytes = 0;    // of these, what is made at load because the file holds another form
};

// `weights` are those that the program was compiled for; none is read or packed.
ProgramPlan plan_of(const Program& program, const WeightStore& weights);

}  // namespace swiftlet
