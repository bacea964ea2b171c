// Rounding with calibration: a model layer by layer, each on what the rounded layers before it give.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "swiftlet/compress/calibrate/samples.h"
#include "swiftlet/compress/plan.h"
#include "swiftlet/compress/quantize/quantized_weight.h"
#include "swiftlet/job.h"

namespace swiftlet {

// The plan's weights in the order in which quantize_by_layers() gives them: by the layer that reads them
// first. Those to change that no linear reads, and so are rounded to nearest and not pruned by what was seen,
// get a note.
std::vector<PlannedWeight> in_order_of_layers(const Plan& plan, std::vector<PlannedWeight> planned,
                                              const Graph& graph);

// What became of a weight, with the original; both the same where the plan keeps it.
using TakeWeight =
    std::function<void(const PlannedWeight& planned, const Weight& before, const QuantizedWeight& after)>;

// Quantizes and prunes by the plan's methods, one of which needs calibration. `planned` is
// in_order_of_layers(). Memory: the weights of one layer, the second moments of its inputs and their factor,
// and what crosses between layers. Throws kInvalid, naming the weight, for inputs that are not finite.
void quantize_by_layers(const Checkpoint& checkpoint, const Graph& graph, const Plan& plan,
                        const std::vector<PlannedWeight>& planned, const Samples& samples,
                        std::shared_ptr<ThreadPool> pool, const TakeWeight& take, const Job& job);

}  // namespace swiftlet
