// What a plan does to one weight: pruned first, then rounded.
#pragma once

#include "swiftlet/compress/plan.h"
#include "swiftlet/compress/quantize/quantized_weight.h"

namespace swiftlet {

// What the layer that reads a weight knows of its input, where it was looked at.
struct SeenInput {
  const SecondMoments* moments = nullptr;  // for Wanda, and for clipping by the outputs
  const Gptq* solver = nullptr;            // for SparseGPT and GPTQ
};

// A weight that the plan changes, in its encoding; `weight` may have been scaled before. What pruning leaves
// is rounded with scales that fit it, and a zero stays one in every encoding: it is the zero point, exactly.
// Without a solver GPTQ is round to nearest. Throws as these do. On all threads of the pool; the result does
// not depend on how many there are. REQUIRES: what the plan's pruning looks at.
QuantizedWeight compress_weight(Dense& dense, const Plan& plan, const PlannedWeight& planned,
                                const Weight& weight, const SeenInput& input);

}  // namespace swiftlet
