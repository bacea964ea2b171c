// Bit search: an encoding for each weight, so that the file is as small as asked and the model loses least.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "swiftlet/compress/calibrate/samples.h"
#include "swiftlet/compress/plan.h"
#include "swiftlet/compress/search/allocate.h"
#include "swiftlet/core/thread_pool.h"
#include "swiftlet/job.h"

namespace swiftlet {

struct BitSearch {
  std::vector<SizeLoss> front;                   // of all weights, by falling bytes
  std::optional<std::vector<WeightRule>> rules;  // one for each weight that changes; none: not so small
  std::optional<SizeLoss> chosen;
};

// The weights that `plan` changes, and tables of positions and types, may become int8 by rows, int4 in groups
// of 32 or 128, or for the tables stay. Each choice of each weight is measured alone, all else as it is, in
// the plan's arithmetic: that the losses of several add up is what searches over bits commonly assume
// (HAWQ-V2, Dong et al. 2020); the gate measures the whole afterwards. `bytes`: of all weights together.
// Memory: the model, and its output for some thousand tokens. The job sees "search".
BitSearch search_bits(const Checkpoint& checkpoint, const models::BuiltModel& model, const Plan& plan,
                      const std::vector<PlannedWeight>& planned, const Samples& samples, std::int64_t bytes,
                      std::shared_ptr<ThreadPool> pool, const Job& job);

}  // namespace swiftlet
