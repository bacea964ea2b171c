// Job: what long work (compress, eval, convert, download) runs under: cancel, progress, memory budget.
//
// cancel() may be called from any thread and from a signal handler; the rest belongs to the working thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>

#include "swiftlet/core/error.h"

namespace swiftlet {

class Job {
 public:
  // done / total in units of the stage's own; total 0 when it is not known.
  using Progress = std::function<void(std::string_view stage, std::int64_t done, std::int64_t total)>;

  Job() = default;
  explicit Job(Progress progress) : progress_(std::move(progress)) {}

  void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }

  // Reports progress; throws Error(kCancelled) when the job was cancelled. Call it at every safe point.
  void step(std::string_view stage, std::int64_t done, std::int64_t total) const {
    if (cancelled()) fail(ErrorCode::kCancelled, stage, "interrupted");
    if (progress_) progress_(stage, done, total);
  }

 private:
  std::atomic<bool> cancelled_{false};
  Progress progress_;
};

}  // namespace swiftlet
