// Masked language models: words for the masks of a text.
#pragma once

#include "swiftlet/tasks.h"
#include "swiftlet/tasks/head_runner.h"

namespace swiftlet::tasks {

// For each text, for each of its masks from left to right, the words for it, best first. Throws kInvalid for
// a text without a mask or with more tokens than the model takes, kUnsupported where the tokenizer has none,
// kUsage for a target that has no token.
std::vector<std::vector<std::vector<MaskFill>>> fill(HeadRunner& runner,
                                                     const std::vector<std::string>& texts,
                                                     const FillOptions& options, const Job& job);

}  // namespace swiftlet::tasks
