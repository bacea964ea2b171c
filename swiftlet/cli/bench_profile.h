// The profile of `swiftlet bench --profile`: where the time goes, as tables and as JSON.
#pragma once

#include <string>

#include "swiftlet/cli/session.h"

namespace swiftlet::cli {

// For each phase its time by op, then the kernels that took longest.
std::string profile_text(const BenchResult& result);
// {"phases": [...], "kernels": [...]}
Json profile_json(const BenchResult& result);

}  // namespace swiftlet::cli
