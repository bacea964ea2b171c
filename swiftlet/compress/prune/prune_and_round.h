// Pruning and rounding of one weight, by the methods of a plan.
#pragma once

#include "swiftlet/compress/plan.h"

namespace swiftlet {

// What the layer that reads a weight knows of its input, where it was looked at.
struct SeenInput {
  const SecondMoments* moments = nullptr;  // for Wanda
  const Gptq* solver = nullptr;            // for SparseGPT and GPTQ
};

// A weight that the plan prunes: what is left is rounded by the plan's method, with scales that fit it. A
// zero stays one in every encoding: it is the zero point, exactly. Without a solver GPTQ is round to nearest.
// Throws as these do. On all threads of the pool; the result does not depend on how many there are. REQUIRES:
// planned.prune, and what the plan's methods look at.
QuantizedWeight prune_and_round(Dense& dense, const Plan& plan, const PlannedWeight& planned,
                                const Weight& weight, const SeenInput& input);

}  // namespace swiftlet
