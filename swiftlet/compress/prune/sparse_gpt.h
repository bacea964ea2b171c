// SparseGPT: elements become zero column by column, and what each takes away is made up for by those that
// follow.
#pragma once

#include "swiftlet/compress/error_feedback.h"
#include "swiftlet/compress/prune/mask.h"

namespace swiftlet {

// Frantar and Alistarh 2023: those elements of a matrix [N, K] become zero that cost the output least, w'² D
// by what they have become when they are chosen: for a ratio at the start of each block of 128 columns among
// all of its elements (or blocks of them), for N:M at the first column of each group.
//
// To round the result by Gptq with the same feedback and the same zeros is one pass over the original matrix
// that prunes and rounds: what pruning has moved and what rounding loses add up, feedback being linear. Only
// that scales then fit what is left.
//
// What stays has moved. Throws kInvalid when a value is not finite, naming weight, row and column. On all
// threads of the pool; the result does not depend on how many there are. REQUIRES: a feedback that takes
// columns in their own order, and check_pattern(), which refuses other shapes; no threshold.
PrunedWeight prune_by_sparse_gpt(Dense& dense, const ErrorFeedback& feedback, const PrunePattern& pattern,
                                 const Weight& weight);

}  // namespace swiftlet
