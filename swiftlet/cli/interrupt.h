// Ctrl-C (SIGINT) and SIGTERM: the first cancels the Job, which ends cleanly; the second ends the process at
// once.
#pragma once

#include "swiftlet/job.h"

namespace swiftlet::cli {

// Binds the signals to a job while it lives. One at a time.
class InterruptGuard {
 public:
  explicit InterruptGuard(Job& job);
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
};

// While it lives an interrupt cancels this job instead; afterwards it is as if none had come.
class InterruptTurn {
 public:
  explicit InterruptTurn(Job& job);
  ~InterruptTurn();
  InterruptTurn(const InterruptTurn&) = delete;
  InterruptTurn& operator=(const InterruptTurn&) = delete;

 private:
  Job* before_;
};

// 128 + the signal that came first (130 for Ctrl-C); 0 when none came.
int interrupted_status();

}  // namespace swiftlet::cli
