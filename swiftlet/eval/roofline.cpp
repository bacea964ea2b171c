#include "swiftlet/eval/roofline.h"

#include <algorithm>

#include "swiftlet/core/error.h"

namespace swiftlet {

double compute_limit(const kernels::MachineLimits& limits, Arithmetic arithmetic) {
  switch (arithmetic) {
    case Arithmetic::kF32:
      return limits.f32_ops;
    case Arithmetic::kBF16:
      return limits.bf16_ops;
    case Arithmetic::kInt8:
      return limits.int8_ops;
  }
  return 0;
}

double percent_of(double value, double limit) {
  return limit > 0 ? 100 * value / limit : 0;
}

std::string_view to_string(Bound bound) {
  return bound == Bound::kMemory ? "memory" : bound == Bound::kCompute ? "compute" : "";
}

Roofline roofline(double bytes, double operations, double seconds, Arithmetic arithmetic,
                  const kernels::MachineLimits& limits) {
  const double most = compute_limit(limits, arithmetic);
  const double reading = limits.read_bytes > 0 ? bytes / limits.read_bytes : 0;
  const double computing = most > 0 ? operations / most : 0;
  const double shortest = std::max(reading, computing);
  if (shortest <= 0 || seconds <= 0) return {};
  return {100 * shortest / seconds, reading >= computing ? Bound::kMemory : Bound::kCompute};
}

std::vector<ProfileRow> profile_rows(std::string_view phase, const Profile& profile, const Program& program,
                                     const kernels::MachineLimits& limits) {
  SWIFTLET_ASSERT(profile.rows().size() == program.steps.size());
  std::vector<ProfileRow> rows;
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const Profile::Row& row = profile.rows()[i];
    if (row.calls == 0) continue;
    const double seconds = static_cast<double>(row.nanoseconds) * 1e-9;
    const Arithmetic arithmetic = program.steps[i].arithmetic;
    rows.push_back({std::string(phase), row.name, row.group, arithmetic, row.calls, seconds, row.bytes,
                    row.operations, roofline(row.bytes, row.operations, seconds, arithmetic, limits)});
  }
  return rows;
}

}  // namespace swiftlet
