#include "swiftlet/job.h"

#include "swiftlet/core/error.h"

namespace swiftlet {

void Job::step(std::string_view stage, std::int64_t done, std::int64_t total) const {
  if (cancelled()) fail(ErrorCode::kCancelled, stage, "interrupted");
  if (progress_) progress_(stage, done, total);
}

}  // namespace swiftlet
