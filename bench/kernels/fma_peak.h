// The f32 multiply-add peak of one core, measured by a loop of independent fused multiply-adds in registers:
// what the percentages of attention refer to.
#pragma once

#include <string_view>

namespace swiftlet::bench {

// Floating-point operations per second (two for each multiply-add) of one core with the vectors of `isa`
// ("scalar": baseline SSE multiplies and adds, "avx2", "avx512"); the best of several runs.
double measured_fma_peak(std::string_view isa);

}  // namespace swiftlet::bench
