// Certificate: what a compressed file says about itself: where it came from, what was done, what it lost.
#pragma once

#include <string>

#include "swiftlet/compress/compress.h"

namespace swiftlet {

// JSON: release, source and its SHA-256, plan, and where a metric was measured: task, data and its SHA-256,
// metrics before and after, budget, loss, verdict, instruction set and processor.
std::string make_certificate(const CompressRequest& request, const CompressReport& report);

}  // namespace swiftlet
