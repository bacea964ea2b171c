// Job: what long work (compress, evaluate, convert, generate) runs under: cancel and progress.
//
//   swiftlet::Job job([](std::string_view stage, std::int64_t done, std::int64_t total) { ... });
//   swiftlet::compress(options, &job);   // elsewhere: job.cancel();
//
// cancel() may be called from any thread and from a signal handler. Progress is reported on the thread that
// does the work, and may throw to end it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>

#include "swiftlet/error.h"
#include "swiftlet/export.h"

namespace swiftlet {

class SWIFTLET_API Job {
 public:
  // done / total in units of the stage's own (tensors, texts, tokens); total 0 when it is not known.
  using Progress = std::function<void(std::string_view stage, std::int64_t done, std::int64_t total)>;

  Job() = default;
  explicit Job(Progress progress) : progress_(std::move(progress)) {}

  void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }

  // For the work itself: reports progress; throws Error(kCancelled) when the job was cancelled. Called at
  // every safe point.
  void step(std::string_view stage, std::int64_t done, std::int64_t total) const;

 private:
  std::atomic<bool> cancelled_{false};
  Progress progress_;
};

}  // namespace swiftlet
