// Ends threads that wait or transfer, when one of them fails or the job is cancelled.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "swiftlet/core/error.h"
#include "swiftlet/job.h"

namespace swiftlet::hub {

class Stop {
 public:
  explicit Stop(const Job& job) : job_(job) {}

  void set() {
    const std::lock_guard lock(mutex_);
    set_ = true;
    changed_.notify_all();
  }
  bool stopped() const {
    const std::lock_guard lock(mutex_);
    return set_ || job_.cancelled();
  }
  // Throws kCancelled when stopped.
  void check() const {
    if (stopped()) fail(ErrorCode::kCancelled, "download", "interrupted");
  }
  // Waits; throws kCancelled as soon as it is stopped.
  void wait(std::chrono::milliseconds time) const {
    constexpr std::chrono::milliseconds kSlice{50};  // a signal handler cancels the job without a word
    const auto end = std::chrono::steady_clock::now() + time;
    std::unique_lock lock(mutex_);
    for (auto now = std::chrono::steady_clock::now(); !set_ && !job_.cancelled() && now < end;
         now = std::chrono::steady_clock::now())
      changed_.wait_until(lock, std::min(end, now + kSlice));
    lock.unlock();
    check();
  }

 private:
  const Job& job_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool set_ = false;
};

}  // namespace swiftlet::hub
