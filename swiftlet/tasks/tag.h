// Token classification: the entities of texts of any length.
#pragma once

#include "swiftlet/tasks.h"
#include "swiftlet/tasks/head_runner.h"

namespace swiftlet::tasks {

// Throws kUsage for an unknown aggregation.
std::vector<std::vector<Entity>> tag(HeadRunner& runner, const std::vector<std::string>& texts,
                                     const TagOptions& options, const Job& job);

}  // namespace swiftlet::tasks
