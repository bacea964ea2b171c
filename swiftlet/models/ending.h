// How a model that is no decoder ends: in hidden states, in one vector a sequence, or in the logits of a
// head.
#pragma once

#include "swiftlet/models/family.h"

namespace swiftlet::models {

// Adds the output to the graph of the last hidden states x [tokens, D].
void finish(Value x, const Ending& ending, const HeadPlace& place);

}  // namespace swiftlet::models
