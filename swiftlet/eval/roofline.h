// Roofline: how near a piece of work comes to what the machine can do (Williams, Waterman & Patterson 2009).
// Pure functions, any thread.
#pragma once

#include <string>
#include <vector>

#include "swiftlet/core/profile.h"
#include "swiftlet/encoding/weight.h"
#include "swiftlet/kernels/machine_limits.h"
#include "swiftlet/runtime/program.h"

namespace swiftlet {

// Operations per second at most in this arithmetic; 0 where the machine has no such instruction.
double compute_limit(const kernels::MachineLimits& limits, Arithmetic arithmetic);
double percent_of(double value, double limit);  // 0 for an unknown limit

enum class Bound : std::uint8_t { kNone, kMemory, kCompute };
std::string_view to_string(Bound bound);  // "", "memory", "compute"

struct Roofline {
  double percent = 0;          // shortest possible time / time taken
  Bound bound = Bound::kNone;  // what the shortest possible time is spent on
};
// Work of `bytes` and `operations` that took `seconds`. Data that lie in the caches may be read faster than
// the memory limit, so small work can exceed 100 percent.
Roofline roofline(double bytes, double operations, double seconds, Arithmetic arithmetic,
                  const kernels::MachineLimits& limits);

// One kernel of a program in one phase of the measurement ("prefill", "decode", "embed").
struct ProfileRow {
  std::string phase, name, op;
  Arithmetic arithmetic = Arithmetic::kF32;
  std::int64_t calls = 0;
  double seconds = 0, bytes = 0, operations = 0;  // of all calls
  Roofline roofline;
};
// In the order in which the kernels run; those that never ran are left out.
std::vector<ProfileRow> profile_rows(std::string_view phase, const Profile& profile, const Program& program,
                                     const kernels::MachineLimits& limits);

}  // namespace swiftlet
